import semver from "semver";
import { z } from "zod";
import { withoutEnd } from "../../../index.ts";
import { CHANGE_TYPES, type ChangeType } from "../../facts/change-set.ts";
import { TRIGGERS, type Trigger } from "../../facts/finding.ts";
import { wordsOf } from "../../facts/identifier-words.ts";
import { EVENT_LIMITS } from "../../facts/limits.ts";

const { nameMax, pathMax, urlMax, messageMax, wordMax, issuesMax } = EVENT_LIMITS;

const text = z.string().trim().min(1, { error: "expected some text, got none" }).max(nameMax);

/** `v7.1.1` is 7.1.1. */
const version = text
  .transform((given) => semver.valid(given) ?? given)
  .refine((given) => semver.valid(given) !== null, {
    error: 'expected an exact version such as "7.1.1"',
  });

/** An upgrade of an npm package. Relative paths start at the worker's working directory. */
const packageChange = z.looseObject({
  name: text,
  from: version,
  to: version,
  /** Folders or tarballs that hold the two versions. Absent: installed copies, else the registry. */
  from_path: text.optional(),
  to_path: text.optional(),
});

/** Absent, null and empty are the same to most producers. */
const optionalText = (max: number) =>
  z
    .string()
    .max(max)
    .nullish()
    .transform((given) => (given == null || given.trim() === "" ? null : given.trim()));

const WORDS: Readonly<Record<string, ChangeType>> = {
  a: "added",
  add: "added",
  new: "added",
  created: "added",
  copied: "added",
  c: "added",
  d: "deleted",
  delete: "deleted",
  removed: "deleted",
  r: "renamed",
  rename: "renamed",
  moved: "renamed",
};

/** A producer's word for what happened to a file: `M`, `R100`, `added`. Null: it says none. */
function changeTypeOf(word: unknown): ChangeType | null {
  if (typeof word !== "string" || word.trim() === "") return null;
  if (word.length > wordMax) return "modified";
  const plain = withoutEnd(word.trim().toLowerCase(), "0123456789");
  return CHANGE_TYPES.find((type) => type === plain) ?? WORDS[plain] ?? "modified";
}

/** A file of an event: its path alone, our names, or those of GitHub's API. */
const changedFile = z
  .union([
    z
      .string()
      .min(1)
      .max(pathMax)
      .transform((path) => ({ path })),
    z.looseObject({
      path: z.string().max(pathMax).nullish(),
      filename: z.string().max(pathMax).nullish(),
      file: z.string().max(pathMax).nullish(),
      change_type: z.unknown().optional(),
      status: z.unknown().optional(),
      old_path: z.string().max(pathMax).nullish(),
      previous_filename: z.string().max(pathMax).nullish(),
      diff: z.string().nullish(),
      patch: z.string().nullish(),
    }),
  ])
  .transform((given: Record<string, unknown>, context) => {
    const first = (...keys: string[]): string | null => {
      const value = keys.map((key) => given[key]).find((one) => typeof one === "string");
      return typeof value === "string" && value !== "" ? value : null;
    };
    const path = first("path", "filename", "file");
    if (path === null) {
      context.addIssue({ code: "custom", message: "expected a path" });
      return z.NEVER;
    }
    return {
      ...given,
      path,
      /** Null where the producer says nothing: then the diff decides. */
      change_type: changeTypeOf(given["change_type"] ?? given["status"]),
      old_path: first("old_path", "previous_filename"),
      diff: first("diff", "patch") ?? "",
    };
  });

const words = z
  .array(z.unknown())
  .catch([])
  .transform((given) => given.filter((word) => typeof word === "string"));

type ChangedFileOutput = z.output<typeof changedFile>;

/**
 * The files of a change. Null and absent: the event does not say. A list of half a million that
 * are none took 12 s to find out each: behind some of them it is refused.
 */
export const changedFiles = z
  .array(z.unknown())
  .nullish()
  .transform((given, context) => {
    if (given == null) return given;
    const files: ChangedFileOutput[] = [];
    let issues = 0;
    for (const [place, one] of given.entries()) {
      const { success, data, error } = changedFile.safeParse(one);
      if (success) files.push(data);
      else {
        for (const { message, path } of error.issues) {
          context.addIssue({ code: "custom", message, path: [place, ...path] });
        }
        issues += error.issues.length;
        if (issues >= issuesMax) break;
      }
    }
    return issues === 0 ? files : z.NEVER;
  });

/** As much of a message as is read of one of git. */
export const eventMessage = z.string().transform((given) => given.slice(0, messageMax));

/**
 * What happened in a repository, as its producer tells it. Producers agree on four keys, and
 * are not asked for more; what is unknown is kept. A sha is a name: not all are hexadecimal.
 */
export const changeEvent = z.looseObject({
  source_repo: text,
  commit_sha: text,
  commit_message: eventMessage,
  branch: z.string().max(nameMax),
  changed_files: changedFiles.transform((given) => given ?? []),
  pattern_summary: z
    .looseObject({ patterns: words.prefault([]), keywords: words.prefault([]) })
    .nullish()
    .catch(null)
    .transform((given) => given ?? { patterns: [], keywords: [] }),
  /** The commit before, as of a push. Null, also for the zeros of a new branch: first parent. */
  base_sha: optionalText(nameMax).transform((sha) =>
    sha === null || /^0+$/.test(sha) ? null : sha,
  ),
  repo_url: optionalText(urlMax),
  package: packageChange.nullish(),
});
export type ChangeEvent = z.output<typeof changeEvent>;
export type EventFile = ChangeEvent["changed_files"][number];

/** The schema of a payload, behind a look at its depth, which goes down without calls. */
export function boundedPayload<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value, context) => {
    if (!isDeep(value)) return value;
    const message = `expected at most ${EVENT_LIMITS.depthMax} objects and lists within each other`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }, schema);
}

function isDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const below: unknown[] = [];
    for (const one of level) {
      if (typeof one !== "object" || one === null) continue;
      if (depth >= EVENT_LIMITS.depthMax) return true;
      for (const inner of Object.values(one)) below.push(inner);
    }
    level = below;
  }
  return false;
}

type Event = Readonly<Record<string, unknown>>;

/**
 * An event without the folders that it names on the worker's own machine. Who enqueues a
 * triage may name some; who sends an event is a stranger, and could have any folder compared.
 */
export function withoutPaths(event: Event): Event {
  const { package: upgrade } = event;
  if (typeof upgrade !== "object" || upgrade === null) return event;
  const published = Object.entries(upgrade).filter(
    ([key]) => key !== "from_path" && key !== "to_path",
  );
  return { ...event, package: Object.fromEntries(published) };
}

/** Words by which producers name a concern. */
const TRIGGER_WORDS: Record<Trigger, readonly string[]> = {
  api_contract: ["api", "contract", "schema", "interface"],
  endpoints: ["endpoint", "endpoints", "route", "routes", "path", "url"],
  authentication: ["auth", "authentication", "token", "credential", "credentials", "login"],
  deployment: ["docker", "deploy", "deployment", "port", "host", "kubernetes", "k8s", "compose"],
  configuration: ["config", "configuration", "setting", "settings", "env", "environment"],
};

const TEXTS_MAX = 500;

/**
 * The concerns that a producer's `pattern_summary` names, whatever its shape. They are told,
 * and decide nothing: what a summary leaves out is no less true.
 */
export function namedTriggers(summary: unknown): Trigger[] {
  const named = new Set(textsIn(summary, []).flatMap((found) => wordsOf(found.slice(0, 1_000))));
  return TRIGGERS.filter((trigger) => TRIGGER_WORDS[trigger].some((word) => named.has(word)));
}

function textsIn(value: unknown, texts: string[]): string[] {
  if (texts.length >= TEXTS_MAX) return texts;
  if (typeof value === "string") texts.push(value);
  else if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) textsIn(inner, texts);
  }
  return texts;
}
