/**
 * The file in which the dependency orchestrator kept its relationships:
 * `{version, relationships: {"owner/name": {type, consumers, derivatives, parent_template, …}},
 * notification_settings}`. What nothing reads is kept, for the export.
 */
import type { z } from "zod";
import { isRecord, parseExactly, withoutMark } from "../../index.ts";
import { canonicalJson } from "../facts/cache-key.ts";
import { type Consumer, type Derivative, FileSchema, type Repository } from "./file-schema.ts";
import { isComment, withoutComments } from "./known-keys.ts";

type Json = Readonly<Record<string, unknown>>;

/** What is wrong with the file: a line for each problem, with the place. */
export class RelationshipsFileError extends Error {
  override readonly name = "RelationshipsFileError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), options);
    this.problems = problems;
  }
}

type RepositoryEntry = {
  readonly repoName: string;
  /** Null: the file does not say. */
  readonly repoType: string | null;
  readonly metadata: Json;
};

export type RelationshipEntry = {
  readonly sourceRepo: string;
  readonly targetRepo: string;
  readonly relationshipType: "api_consumer" | "template_fork";
  readonly config: Json;
};

type RelationshipsFile = {
  readonly repositories: readonly RepositoryEntry[];
  readonly relationships: readonly RelationshipEntry[];
};

export type WholeFile = RelationshipsFile & {
  /** Null: the file has none. */
  readonly notifications: Json | null;
  /** What stands at the top, beside the two above; comments between the repositories as well. */
  readonly top: Json;
  /** What was taken in a way that somebody may not expect: a line each. */
  readonly notes: readonly string[];
};

const PROBLEMS_MAX = 20;

/** Read the text of such a file. Throws a RelationshipsFileError that lists what is wrong. */
export function parseRelationshipsFile(text: string): RelationshipsFile {
  const { repositories, relationships } = readRelationshipsFile(text);
  return { repositories, relationships };
}

/**
 * The same with what the file says beside the relationships. A repository that is spelled in
 * several ways, in upper and lower case as GitHub allows it, is the one among `known`, or else
 * the one that the file lists.
 */
export function readRelationshipsFile(text: string, known: readonly string[] = []): WholeFile {
  const { relationships: named, ...top } = parseFile(text);
  const entries = isRecord(named) ? Object.entries(named) : [];
  const comments = entries.filter(([name]) => isComment(name));
  const parsed = FileSchema.safeParse({
    ...top,
    relationships: isRecord(named) ? withoutComments(named) : named,
  });
  if (!parsed.success) {
    throw new RelationshipsFileError(problemsOf(parsed.error.issues));
  }
  const spelling = new Spelling(known, Object.keys(parsed.data.relationships));
  const given = Object.entries(parsed.data.relationships).map(
    ([name, entry]) => [spelling.of(name), entry] as const,
  );
  const asWritten = new Map(entries.map(([name, entry]) => [spelling.of(name), entry]));
  const { relationships, notes } = relationshipsIn(given, spelling);
  refuseTwice(given, relationships);
  const { notification_settings: notifications, ...more } = top;
  return {
    repositories: repositoriesOf(given, spelling).map((one) => withParent(one, asWritten)),
    relationships,
    notifications: isRecord(notifications) ? notifications : null,
    top: comments.length === 0 ? more : { ...more, relationships: Object.fromEntries(comments) },
    notes: [...spelling.notes, ...notes],
  };
}

/** Those that providers and templates list, and those that only derivatives tell of. */
function relationshipsIn(
  given: Given,
  spelling: Spelling,
): { relationships: RelationshipEntry[]; notes: string[] } {
  const listed = given.flatMap(([source, { consumers, derivatives }]) =>
    [...(consumers ?? []), ...(derivatives ?? [])].map((item) =>
      relationshipOf(source, spelling.of(item.repo), item),
    ),
  );
  const parents = given.flatMap(([name, entry]) => parentOf(name, entry, spelling));
  const twin = ({ sourceRepo, targetRepo }: RelationshipEntry) =>
    listed.find(
      (one) =>
        one.relationshipType === "template_fork" &&
        one.sourceRepo === sourceRepo &&
        one.targetRepo === targetRepo,
    );
  return {
    relationships: [...listed, ...parents.filter((one) => twin(one) === undefined)],
    notes: parents.flatMap((one) => contradiction(one, twin(one))),
  };
}

/** The spelling of each name that counts: of those that differ in case alone, the first. */
export class Spelling {
  readonly #exact: ReadonlySet<string>;
  readonly #first = new Map<string, string>();
  readonly #notes = new Set<string>();

  /** Of the known ones each counts as it is, also where two of them are alike. */
  constructor(known: readonly string[], listed: readonly string[] = []) {
    this.#exact = new Set(known);
    for (const name of [...known, ...listed].toReversed())
      this.#first.set(name.toLowerCase(), name);
  }

  of(name: string): string {
    const first = this.#first.get(name.toLowerCase());
    if (first === undefined) this.#first.set(name.toLowerCase(), name);
    if (first === undefined || first === name || this.#exact.has(name)) return name;
    this.#notes.add(`${name} is taken for ${first}`);
    return first;
  }

  get notes(): readonly string[] {
    return [...this.#notes];
  }
}

function relationshipOf(
  sourceRepo: string,
  targetRepo: string,
  entry: Consumer | Derivative,
): RelationshipEntry {
  const { repo: _, relationship_type: relationshipType, ...config } = entry;
  delete config.clone_url;
  return { sourceRepo, targetRepo, relationshipType, config };
}

/** A derivative may name its template, by the name alone or with how it depends on it. */
export function parentOf(
  name: string,
  { parent_template: parent, bidirectional }: Pick<Repository, "parent_template" | "bidirectional">,
  spelling = new Spelling([]),
): RelationshipEntry[] {
  if (parent === undefined || parent === null) return [];
  const { config, ...pair } = relationshipOf(spelling.of(parent.repo), name, parent);
  const both = bidirectional ?? null;
  return [{ ...pair, config: both === null ? config : { bidirectional: both, ...config } }];
}

/** Where the template lists the derivative itself, that counts; what differs is told. */
function contradiction(parent: RelationshipEntry, listed: RelationshipEntry | undefined): string[] {
  if (listed === undefined) return [];
  const keys = Object.keys(parent.config).filter(
    (key) =>
      key !== "description" &&
      !isComment(key) &&
      canonicalJson({ is: parent.config[key] }) !== canonicalJson({ is: listed.config[key] }),
  );
  return keys.length === 0
    ? []
    : [
        `parent_template of ${parent.targetRepo} has another ${keys.join(", ")} than ` +
          `${parent.sourceRepo} lists for it; what ${parent.sourceRepo} lists counts`,
      ];
}

type Given = readonly (readonly [string, Repository])[];

/** The listed repositories as they are described, then those whose clone URL is told elsewhere. */
function repositoriesOf(given: Given, spelling: Spelling): RepositoryEntry[] {
  const listed = new Map<string, RepositoryEntry>(
    given.map(([repoName, { type, consumers, derivatives, ...metadata }]) => [
      repoName,
      {
        repoName,
        repoType: type ?? null,
        // A list that is there and empty says as much as none, but is kept for the export.
        metadata: {
          ...metadata,
          ...(consumers?.length === 0 ? { consumers } : {}),
          ...(derivatives?.length === 0 ? { derivatives } : {}),
        },
      },
    ]),
  );
  const problems: string[] = [];
  for (const [repoName, clone_url] of cloneUrls(given, spelling)) {
    const one = listed.get(repoName) ?? { repoName, repoType: null, metadata: {} };
    const other = one.metadata["clone_url"] ?? clone_url;
    if (other !== clone_url) problems.push(`${repoName} has two different values of clone_url`);
    listed.set(repoName, { ...one, metadata: { ...one.metadata, clone_url } });
  }
  if (problems.length > 0) throw new RelationshipsFileError(problems.slice(0, PROBLEMS_MAX));
  return [...listed.values()];
}

/** With its template in the words of the file: a name alone, or an object. */
function withParent(
  { metadata, ...one }: RepositoryEntry,
  asWritten: ReadonlyMap<string, unknown>,
): RepositoryEntry {
  const entry = asWritten.get(one.repoName);
  return isRecord(entry) && "parent_template" in entry
    ? { ...one, metadata: { ...metadata, parent_template: entry["parent_template"] } }
    : { ...one, metadata };
}

/** Those that stand beside a `repo`. */
function cloneUrls(given: Given, spelling: Spelling): [string, string][] {
  return given.flatMap(([, { consumers, derivatives, parent_template: parent }]) =>
    [...(consumers ?? []), ...(derivatives ?? []), parent].flatMap((item): [string, string][] =>
      typeof item?.clone_url === "string" ? [[spelling.of(item.repo), item.clone_url]] : [],
    ),
  );
}

function refuseTwice(given: Given, relationships: readonly RelationshipEntry[]): void {
  const seen = new Set<string>();
  const isSecond = (key: string) => seen.has(key) || !seen.add(key);
  const problems = [
    // Such as o/a and O/A: which of the two is meant nobody can say.
    ...given.flatMap(([name]) => (isSecond(name) ? [`${name} has two entries`] : [])),
    ...relationships.flatMap(({ sourceRepo, targetRepo, relationshipType }) => {
      const pair = `${sourceRepo} -> ${targetRepo} (${relationshipType})`;
      if (isSecond(pair)) return [`${pair} is listed twice`];
      return sourceRepo === targetRepo ? [`${sourceRepo} depends on itself`] : [];
    }),
  ];
  if (problems.length > 0) {
    throw new RelationshipsFileError(problems.slice(0, PROBLEMS_MAX));
  }
}

function parseFile(text: string): Readonly<Record<string, unknown>> {
  let file: unknown;
  try {
    file = parseExactly(withoutMark(text));
  } catch (err) {
    const reason = err instanceof Error ? err.message.split("\n")[0] : String(err);
    throw new RelationshipsFileError([`not JSON: ${reason}`], { cause: err });
  }
  if (!isRecord(file)) {
    throw new RelationshipsFileError(["(whole): expected an object"]);
  }
  const repeated = repeatedKey(text);
  if (repeated !== null) {
    throw new RelationshipsFileError([`${placeOf(repeated)}: the key is there twice`]);
  }
  return file;
}

type Issue = z.core.$ZodIssue;

function problemsOf(issues: readonly Issue[]): string[] {
  const lines = issues.slice(0, PROBLEMS_MAX).map((issue) => {
    const inner = issue.code === "invalid_key" ? issue.issues[0]?.message : undefined;
    return `${placeOf(issue.path)}: ${inner ?? issue.message}`;
  });
  const more = issues.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

function placeOf(path: readonly PropertyKey[]): string {
  const place = path
    .map((part) =>
      typeof part === "string" && /^\w+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`,
    )
    .join("");
  return place === "" ? "(whole)" : place.replace(/^\./, "");
}

/**
 * The path of the first key that an object of this JSON text has twice, of which JSON.parse
 * keeps the last value without a word; null if there is none. For texts that JSON.parse takes.
 */
function repeatedKey(text: string): (string | number)[] | null {
  const within: { readonly keys: Set<string>; at: string | number }[] = [];
  // unproven pattern -- each character is part of one alternative at most
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[[\]{},]/g)) {
    const inner = within.at(-1);
    if (token === "{" || token === "[") {
      within.push({ keys: new Set(), at: token === "[" ? 0 : "" });
    } else if (token === "}" || token === "]") {
      within.pop();
    } else if (token === "," && typeof inner?.at === "number") {
      inner.at += 1;
    } else if (token.endsWith(":") && inner !== undefined) {
      const key = String(JSON.parse(token.slice(0, -1)));
      inner.at = key;
      if (inner.keys.has(key)) return within.map(({ at }) => at);
      inner.keys.add(key);
    }
  }
  return null;
}
