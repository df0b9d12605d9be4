import { distance } from "fastest-levenshtein";
import {
  choice,
  type Database,
  defineCommand,
  nearest,
  note,
  parseExactly,
  print,
  printJson,
  readInput,
  text,
  UsageError,
  visibleLine,
  withDatabase,
} from "../../index.ts";

import { unknownConfigKeys } from "../relationships/known-keys.ts";
import {
  isRelated,
  listRelationships,
  RELATIONSHIP_TYPES,
  removeRelationship,
  repositoryNames,
  type SaveOutcome,
  saveRelationship,
  saveRepository,
} from "../store.ts";
import { noteUnknownKeys } from "./relationships-file.ts";

const CONFIG_BYTES_MAX = 262_144;

export const addRelationshipCommand = defineCommand({
  name: "relationships add",
  summary: "say that TARGET depends on SOURCE, or change how",
  description:
    "SOURCE is the provider or template, TARGET its consumer or derivative. --config takes the\n" +
    "place of the whole configuration that was there; without it, that stays. Repositories that\n" +
    "are new are registered.",
  args: [
    { name: "SOURCE", schema: repository() },
    { name: "TARGET", schema: repository() },
  ],
  options: {
    type: {
      short: "t",
      value: "TYPE",
      about: "api_consumer (default) or template_fork",
      schema: choice(RELATIONSHIP_TYPES),
    },
    config: {
      short: "c",
      value: "JSON",
      about: "interface_files, urgency_mapping, sync_strategy, …; or @file, or -",
      schema: text({ max: CONFIG_BYTES_MAX }),
    },
    "source-url": { value: "URL", about: "where git gets SOURCE", schema: text({ max: 2000 }) },
    "target-url": { value: "URL", about: "where git gets TARGET", schema: text({ max: 2000 }) },
    json: { about: "print one JSON object: source_repo, target_repo, relationship_type, outcome" },
  },
  examples: [
    ["relationships add acme/api acme/shop", "acme/shop calls the API of acme/api"],
    [
      `relationships add acme/api acme/shop -c '{"interface_files": ["src/api.ts"]}'`,
      "and does so there",
    ],
    [
      "relationships add acme/template acme/fork -t template_fork --source-url file:///srv/template",
      "a copy of a template, which git gets from a folder",
    ],
  ],
  run: ({ flags, args: [sourceRepo, targetRepo] }) =>
    withDatabase(async ({ db, asOperator }) => {
      const config =
        flags.config === undefined
          ? null
          : parseConfig(await readInput(flags.config, { maxBytes: CONFIG_BYTES_MAX }));
      await noteIfNew(db, [sourceRepo, targetRepo]);
      const relationshipType = flags.type ?? "api_consumer";
      noteUnknownKeys("--config", unknownConfigKeys(relationshipType, config ?? {}));
      const outcome = await asOperator(async (transaction) => {
        const saved = [
          await saveConfig(transaction, { sourceRepo, targetRepo, relationshipType, config }),
          await saveUrl(transaction, sourceRepo, flags["source-url"]),
          await saveUrl(transaction, targetRepo, flags["target-url"]),
        ];
        return saved.find((one) => one !== "unchanged") ?? "unchanged";
      });
      if (flags.json) {
        printJson({
          source_repo: sourceRepo,
          target_repo: targetRepo,
          relationship_type: relationshipType,
          outcome,
        });
      } else {
        print(`${sourceRepo} -> ${targetRepo} (${relationshipType}) is ${outcome}`);
      }
      return 0;
    }),
});

type Saved = Parameters<typeof saveRelationship>[1];

/** Whoever adds an address to a relationship does not mean to empty its configuration. */
async function saveConfig(
  db: Database,
  { config, ...pair }: Omit<Saved, "config"> & { readonly config: Saved["config"] | null },
): Promise<SaveOutcome> {
  if (config === null && (await isRelated(db, pair))) {
    return "unchanged";
  }
  return await saveRelationship(db, { ...pair, config: config ?? {} });
}

async function saveUrl(
  db: Database,
  repoName: string,
  url: string | undefined,
): Promise<SaveOutcome> {
  return url === undefined
    ? "unchanged"
    : await saveRepository(db, { repoName, metadata: { clone_url: url } });
}

/** A name that is new may be a slip of the finger. */
async function noteIfNew(db: Database, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { known, meant } = await lookUpRepository(db, name);
    if (!known && meant !== null) {
      note(visibleLine(`${name} is new; did you mean ${meant}?`));
    }
  }
}

function parseConfig(given: string): Record<string, unknown> {
  const hint = `write it like '{"interface_files": ["src/client.ts"]}', or name a file: @config.json`;
  let parsed: unknown;
  try {
    parsed = parseExactly(given, { decimals: "kept" });
  } catch (err) {
    const reason = err instanceof Error ? err.message.split("\n")[0] : String(err);
    throw new UsageError(`--config is not JSON: ${reason}`, { hint, cause: err });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new UsageError("expected --config to be a JSON object", { hint });
  }
  return { ...parsed };
}

const ROWS_MAX = 10_000;

export const removeRelationshipCommand = defineCommand({
  name: "relationships remove",
  summary: "forget that TARGET depends on SOURCE",
  description: "Cached verdicts on the pair expire. The repositories stay registered.",
  args: [
    { name: "SOURCE", schema: repository() },
    { name: "TARGET", schema: repository() },
  ],
  options: {
    type: {
      short: "t",
      value: "TYPE",
      about: "only api_consumer, or only template_fork (default: both)",
      schema: choice(RELATIONSHIP_TYPES),
    },
    json: { about: "print one JSON object: source_repo, target_repo, removed" },
  },
  examples: [["relationships remove acme/api acme/shop", "changes of acme/api concern it no more"]],
  run: ({ flags, args: [sourceRepo, targetRepo] }) =>
    withDatabase(async ({ db, asOperator }) => {
      const relationshipType = flags.type ?? null;
      const removed = await asOperator((transaction) =>
        removeRelationship(transaction, { sourceRepo, targetRepo, relationshipType }),
      );
      if (removed === 0) {
        throw await notRelated(db, sourceRepo, targetRepo);
      }
      if (flags.json) {
        printJson({ source_repo: sourceRepo, target_repo: targetRepo, removed });
      } else {
        print(`${targetRepo} does not depend on ${sourceRepo} any more`);
      }
      return 0;
    }),
});

async function notRelated(db: Database, source: string, target: string): Promise<UsageError> {
  await requireRepository(db, source);
  const rows = await listRelationships(db, { repo: source, type: null, limit: ROWS_MAX });
  const targets = rows.filter((row) => row.source_repo === source).map((row) => row.target_repo);
  const meant = targets.includes(target) ? null : nearestRepository(target, targets);
  return new UsageError(`there is no such relationship of ${target} to ${source}`, {
    hint: meant === null ? `triaged relationships list ${source}` : `did you mean ${meant}?`,
  });
}

const NAMES_MAX = 10_000;

/** The name of a repository on the command line; the database says more of what it may be. */
export function repository() {
  return text({ max: 200 }).refine((name) => /^[^/\s]+(\/[^/\s]+)+$/.test(name), {
    error: ({ input }) => `expected a repository like owner/name, got "${String(input)}"`,
  });
}

/** Whether it is registered; if not, the name that was probably meant, or null. */
async function lookUpRepository(
  db: Database,
  name: string,
): Promise<{ known: boolean; meant: string | null }> {
  const names = await repositoryNames(db, NAMES_MAX);
  return names.includes(name)
    ? { known: true, meant: null }
    : { known: false, meant: nearestRepository(name, names) };
}

/**
 * The repository that was probably meant, or null. Owner and name count by themselves: two
 * names of one owner are not alike for that. A name may be anything, so that fewer letters may
 * differ than in a command.
 */
function nearestRepository(given: string, names: readonly string[]): string | null {
  const meant = nearest(given, names);
  if (meant === null) {
    return null;
  }
  const parts = meant.split("/");
  const isAlike = given.split("/").every((part, index) => isSlip(part, parts[index] ?? ""));
  return isAlike ? meant : null;
}

function isSlip(given: string, meant: string): boolean {
  return distance(given, meant) <= Math.max(1, Math.floor(given.length / 3));
}

/** Throws a UsageError, with the name that was probably meant. */
export async function requireRepository(db: Database, name: string): Promise<void> {
  const { known, meant } = await lookUpRepository(db, name);
  if (!known) {
    throw new UsageError(`${name} is not registered`, {
      hint: meant === null ? "triaged relationships list shows what is" : `did you mean ${meant}?`,
    });
  }
}
