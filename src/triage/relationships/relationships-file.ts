/**
 * The file in which the dependency orchestrator kept its relationships:
 * `{version, relationships: {"owner/name": {type, consumers, derivatives, …}}}`.
 */
import type { z } from "zod";
import { parseJsonText } from "../../json.ts";
import { type Consumer, type Derivative, FileSchema, type Repositories } from "./file-schema.ts";

/** What is wrong with the file: a line for each problem, with the place. */
export class RelationshipsFileError extends Error {
  override readonly name = "RelationshipsFileError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), options);
    this.problems = problems;
  }
}

export type RepositoryEntry = {
  readonly repoName: string;
  /** Null: only named by others. */
  readonly repoType: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
};

export type RelationshipEntry = {
  readonly sourceRepo: string;
  readonly targetRepo: string;
  readonly relationshipType: "api_consumer" | "template_fork";
  readonly config: Readonly<Record<string, unknown>>;
};

export type RelationshipsFile = {
  readonly repositories: readonly RepositoryEntry[];
  readonly relationships: readonly RelationshipEntry[];
};

const PROBLEMS_MAX = 20;

/** Read the text of such a file. Throws a RelationshipsFileError that lists what is wrong. */
export function parseRelationshipsFile(text: string): RelationshipsFile {
  const parsed = FileSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new RelationshipsFileError(problemsOf(parsed.error.issues));
  }
  const { relationships: given } = parsed.data;
  const relationships = Object.entries(given).flatMap(([source, { consumers, derivatives }]) =>
    [...consumers, ...derivatives].map((entry) => relationshipOf(source, entry)),
  );
  const all = [...relationships, ...namedByDerivatives(given, relationships)];
  refuseTwice(all);
  return { repositories: repositoriesOf(given), relationships: all };
}

function relationshipOf(sourceRepo: string, entry: Consumer | Derivative): RelationshipEntry {
  const { repo, relationship_type: relationshipType, ...config } = entry;
  delete config.clone_url;
  return { sourceRepo, targetRepo: repo, relationshipType, config };
}

/** A derivative may name its template where the template does not list the derivative. */
function namedByDerivatives(
  given: Repositories,
  listed: readonly RelationshipEntry[],
): RelationshipEntry[] {
  return Object.entries(given).flatMap(([name, { parent_template: parent, bidirectional }]) =>
    parent === undefined ||
    parent === null ||
    listed.some(
      (one) =>
        one.relationshipType === "template_fork" &&
        one.sourceRepo === parent &&
        one.targetRepo === name,
    )
      ? []
      : [
          {
            sourceRepo: parent,
            targetRepo: name,
            relationshipType: "template_fork" as const,
            config: bidirectional === undefined ? {} : { bidirectional },
          },
        ],
  );
}

/** The listed repositories as they are described, then those whose clone URL is told elsewhere. */
function repositoriesOf(given: Repositories): RepositoryEntry[] {
  const listed = Object.entries(given).map(([name, entry]) => {
    const { type, consumers: _, derivatives: __, bidirectional: ___, ...metadata } = entry;
    return { repoName: name, repoType: type, metadata };
  });
  const elsewhere = Object.values(given).flatMap(({ consumers, derivatives }) =>
    [...consumers, ...derivatives].flatMap(({ repo, clone_url }) =>
      clone_url === undefined ? [] : [{ repoName: repo, repoType: null, metadata: { clone_url } }],
    ),
  );
  return [...listed, ...elsewhere];
}

function refuseTwice(relationships: readonly RelationshipEntry[]): void {
  const seen = new Set<string>();
  const problems = relationships.flatMap(({ sourceRepo, targetRepo, relationshipType }) => {
    const pair = `${sourceRepo} -> ${targetRepo} (${relationshipType})`;
    if (seen.has(pair)) {
      return [`${pair} is listed twice`];
    }
    seen.add(pair);
    return sourceRepo === targetRepo ? [`${sourceRepo} depends on itself`] : [];
  });
  if (problems.length > 0) {
    throw new RelationshipsFileError(problems.slice(0, PROBLEMS_MAX));
  }
}

function parseJson(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch (err) {
    const reason = err instanceof Error ? err.message.split("\n")[0] : String(err);
    throw new RelationshipsFileError([`not JSON: ${reason}`], { cause: err });
  }
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
