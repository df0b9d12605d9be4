import type { Database } from "../postgres/database.ts";
import {
  knownAmong,
  type SaveOutcome,
  saveRelationship,
  saveRepository,
} from "../postgres/relationship-store.ts";
import { text } from "../setting.ts";
import {
  parseRelationshipsFile,
  type RelationshipsFile,
  RelationshipsFileError,
} from "../triage/relationships/relationships-file.ts";
import { unknownFileKeys } from "../triage/relationships/unknown-keys.ts";
import { defineCommand } from "./command.ts";
import { noteUnknownKeys } from "./note-unknown-keys.ts";
import { print, printJson } from "./print.ts";
import { readInput } from "./read-input.ts";
import { UsageError } from "./usage-error.ts";
import { withDatabase } from "./with-database.ts";

const FILE_BYTES_MAX = 16_777_216;

export const relationshipsImport = defineCommand({
  name: "relationships import",
  summary: "take over a relationships.json: who depends on whom",
  description:
    "FILE is the config/relationships.json of the dependency orchestrator, or - for stdin. All\n" +
    "of it or nothing is taken over; again, it changes what has changed and nothing else. What\n" +
    "is not in the file stays. notification_settings are not read. Keys that nothing reads are\n" +
    "kept, and told on stderr.",
  args: [{ name: "FILE", schema: text({ max: 4096 }) }],
  options: {
    "dry-run": { about: "only tell what would change" },
    json: { about: "print one JSON object: dry_run, repositories, relationships, with counts" },
  },
  examples: [
    ["relationships import config/relationships.json", "what the file says"],
    ["relationships import config/relationships.json --dry-run", "what that would change"],
  ],
  run: async ({ flags, args: [name] }) => {
    const word = name === "-" || name.startsWith("@") ? name : `@${name}`;
    const content = await readInput(word, { maxBytes: FILE_BYTES_MAX });
    const file = parse(name, content);
    noteUnknownKeys(name, unknownFileKeys(content));
    return await withDatabase(async ({ asOperator, look }) => {
      const run = flags["dry-run"] ? look : asOperator;
      const counts = await run((db) => save(db, file));
      if (flags.json) {
        printJson({ dry_run: flags["dry-run"], ...counts });
      } else {
        print(`relationships: ${inWords(counts.relationships)}`);
        print(`repositories:  ${inWords(counts.repositories)}`);
        if (flags["dry-run"]) {
          print("nothing was changed");
        }
      }
      return 0;
    });
  },
});

type Counts = Record<SaveOutcome, number>;

async function save(
  db: Database,
  { repositories, relationships }: RelationshipsFile,
): Promise<{ repositories: Counts; relationships: Counts }> {
  const counts = { repositories: noCounts(), relationships: noCounts() };
  const ends = relationships.flatMap(({ sourceRepo, targetRepo }) => [sourceRepo, targetRepo]);
  const names = [...new Set([...repositories.map(({ repoName }) => repoName), ...ends])];
  const known = new Set(await knownAmong(db, names));
  const changed = new Set<string>();
  for (const one of repositories) {
    if ((await saveRepository(db, one)) === "changed") changed.add(one.repoName);
  }
  for (const one of relationships) {
    counts.relationships[await saveRelationship(db, one)] += 1;
  }
  // A relationship makes those of its two ends that are not there.
  for (const name of names) {
    const whenKnown = changed.has(name) ? "changed" : "unchanged";
    counts.repositories[known.has(name) ? whenKnown : "created"] += 1;
  }
  return counts;
}

function noCounts(): Counts {
  return { created: 0, changed: 0, unchanged: 0 };
}

function inWords({ created, changed, unchanged }: Counts): string {
  return `${created} created, ${changed} changed, ${unchanged} unchanged`;
}

function parse(name: string, content: string): RelationshipsFile {
  try {
    return parseRelationshipsFile(content);
  } catch (err) {
    if (!(err instanceof RelationshipsFileError)) {
      throw err;
    }
    const [first, ...more] = err.problems;
    throw new UsageError(
      more.length === 0
        ? `${name}: ${first}`
        : [`${name} has ${err.problems.length} problems`, ...err.problems].join("\n  "),
      { hint: "nothing was imported; docs/notifications.md shows such a file", cause: err },
    );
  }
}
