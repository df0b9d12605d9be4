import { writeFile } from "node:fs/promises";
import {
  type Database,
  defineCommand,
  hasCode,
  nearest,
  note,
  print,
  printDocument,
  printJson,
  readInput,
  text,
  toJson,
  UsageError,
  visibleLine,
  withDatabase,
} from "../../index.ts";

import { digestScheduleProblem } from "../jobs/digest-job.ts";
import { exportedFile } from "../relationships/file-export.ts";
import {
  RelationshipsFileError,
  readRelationshipsFile,
  type WholeFile,
} from "../relationships/file-import.ts";
import { type UnknownKey, unknownFileKeys } from "../relationships/known-keys.ts";
import {
  namesLike,
  readRegistered,
  readRelationshipSettings,
  registeredBytes,
  type SaveOutcome,
  saveRelationship,
  saveRelationshipSettings,
  saveRepository,
} from "../store.ts";

const RELATIONSHIPS_FILE_BYTES_MAX = 16_777_216;
const NOTES_MAX = 20;
/** Of registered names that differ from those of the file in case alone. */
const NAMES_MAX = 100_000;

export const importRelationshipsCommand = defineCommand({
  name: "relationships import",
  summary: "take over a relationships.json: who depends on whom",
  description:
    "FILE is the config/relationships.json of the dependency orchestrator, or - for stdin. All\n" +
    "of it or nothing is taken over; again, it changes what has changed and nothing else. What\n" +
    "is not in the file stays; its notification_settings, if it has some, take the place of those\n" +
    "that there were. Keys that nothing reads are kept for `relationships export`, and told on\n" +
    "stderr, but for comments, which begin with _.",
  args: [{ name: "FILE", schema: text({ max: 4096 }) }],
  options: {
    "dry-run": { about: "only tell what would change" },
    json: {
      about:
        "print one JSON object: dry_run, repositories, relationships, with counts, notification_settings",
    },
  },
  examples: [
    ["relationships import config/relationships.json", "what the file says"],
    ["relationships import config/relationships.json --dry-run", "what that would change"],
  ],
  run: async ({ flags, args: [name] }) => {
    const word = name === "-" || name.startsWith("@") ? name : `@${name}`;
    const content = await readInput(word, { maxBytes: RELATIONSHIPS_FILE_BYTES_MAX });
    const first = parse(name, content, []);
    noteUnknownKeys(name, unknownFileKeys(content));
    return await withDatabase(async ({ asOperator, look }) => {
      const run = flags["dry-run"] ? look : asOperator;
      const { notes, ...saved } = await run((db) => save(db, { name, content, first }));
      for (const line of notes.slice(0, NOTES_MAX)) note(visibleLine(`${name}: ${line}`));
      if (notes.length > NOTES_MAX) note(`${name}: and ${notes.length - NOTES_MAX} more`);
      if (flags.json) {
        printJson({ dry_run: flags["dry-run"], ...saved });
        return 0;
      }
      print(`relationships: ${inWords(saved.relationships)}`);
      print(`repositories:  ${inWords(saved.repositories)}`);
      if (saved.notification_settings !== null) {
        print(`notification_settings: ${saved.notification_settings}`);
      }
      if (flags["dry-run"]) {
        print("nothing was changed");
      }
      return 0;
    });
  },
});

type Counts = Record<SaveOutcome, number>;
type Saved = {
  readonly repositories: Counts;
  readonly relationships: Counts;
  /** Null: the file has none, and what there was stays. */
  readonly notification_settings: SaveOutcome | null;
  readonly notes: readonly string[];
};

/** In one transaction. The settings come first, as they are what keeps two imports apart. */
async function save(
  db: Database,
  { name, content, first }: { name: string; content: string; first: WholeFile },
): Promise<Saved> {
  const top = { ...(await readRelationshipSettings(db, "file")), ...first.top };
  await saveRelationshipSettings(db, "file", top);
  const known = await namesLike(db, namesIn(first), NAMES_MAX);
  const file = known.length === 0 ? first : parse(name, content, known);
  const counts = { repositories: noCounts(), relationships: noCounts() };
  for (const one of repositoriesOf(file, known)) {
    counts.repositories[await saveRepository(db, one)] += 1;
  }
  for (const one of file.relationships) {
    counts.relationships[await saveRelationship(db, one)] += 1;
  }
  const { notifications, notes } = file;
  const notification_settings =
    notifications === null
      ? null
      : await saveRelationshipSettings(db, "notifications", notifications);
  return { ...counts, notification_settings, notes };
}

function namesIn({ repositories, relationships }: WholeFile): string[] {
  return [
    ...new Set([
      ...repositories.map(({ repoName }) => repoName),
      ...relationships.flatMap(({ sourceRepo, targetRepo }) => [sourceRepo, targetRepo]),
    ]),
  ];
}

/** Each once, also one that is only named; a new one of these is what it is first used as. */
function repositoriesOf(file: WholeFile, known: readonly string[]) {
  const described = new Map(file.repositories.map((one) => [one.repoName, one]));
  const registered = new Set(known);
  return namesIn(file).map((repoName) => {
    const { repoType = null, metadata = {} } = described.get(repoName) ?? {};
    const use = file.relationships.find(({ targetRepo }) => targetRepo === repoName);
    const implied = use?.relationshipType === "api_consumer" ? "consumer" : "derivative";
    const isNew = !registered.has(repoName) && use !== undefined;
    return { repoName, metadata, repoType: repoType ?? (isNew ? implied : null) };
  });
}

function noCounts(): Counts {
  return { created: 0, changed: 0, unchanged: 0 };
}

function inWords({ created, changed, unchanged }: Counts): string {
  return `${created} created, ${changed} changed, ${unchanged} unchanged`;
}

function parse(name: string, content: string, known: readonly string[]): WholeFile {
  try {
    const file = readRelationshipsFile(content, known);
    const problem = digestScheduleProblem(file.notifications?.["digest_schedule"]);
    if (problem !== null) {
      throw new RelationshipsFileError([`notification_settings.digest_schedule: ${problem}`]);
    }
    return file;
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

export const exportRelationshipsCommand = defineCommand({
  name: "relationships export",
  summary: "write all of it as a relationships.json, which `relationships import` takes",
  description:
    "FILE must not be there yet, unless --force; - or nothing is stdout. What an import kept is in\n" +
    "it again: keys that nothing reads, comments, notification_settings, parent_template.",
  args: [{ name: "FILE", schema: text({ max: 4096 }), optional: true }],
  options: {
    force: { about: "write over FILE" },
    json: { about: "the same: it is JSON either way" },
  },
  examples: [
    ["relationships export", "to stdout"],
    ["relationships export config/relationships.json --force", "over the file that was imported"],
  ],
  run: ({ flags, args: [name] }) =>
    withDatabase(async ({ inSnapshot }) => {
      const held = await inSnapshot(async (db) => {
        const bytes = await registeredBytes(db);
        if (bytes > RELATIONSHIPS_FILE_BYTES_MAX) throw tooLarge(bytes);
        return {
          ...(await readRegistered(db)),
          notifications: await readRelationshipSettings(db, "notifications"),
          top: await readRelationshipSettings(db, "file"),
        };
      });
      const content = `${toJson(exportedFile(held), 2)}\n`;
      if (Buffer.byteLength(content) > RELATIONSHIPS_FILE_BYTES_MAX) {
        throw tooLarge(Buffer.byteLength(content));
      }
      if (name === undefined || name === "-") {
        printDocument(content);
      } else {
        await write(name, content, { force: flags.force });
        print(`${held.relationships.length} relationships are in ${name}`);
      }
      return 0;
    }),
});

async function write(name: string, content: string, { force }: { force: boolean }): Promise<void> {
  try {
    await writeFile(name, content, { flag: force ? "w" : "wx" });
  } catch (err) {
    const isThere = err instanceof Error && hasCode(err, "EEXIST");
    throw new UsageError(
      isThere ? `${name} is there already` : `cannot write ${name}: ${String(err)}`,
      { hint: isThere ? "--force writes over it" : "name a file in a folder that is there" },
    );
  }
}

function tooLarge(bytes: number): UsageError {
  return new UsageError(
    `the file would have ${Math.ceil(bytes)} bytes, more than the ${RELATIONSHIPS_FILE_BYTES_MAX} that an import takes`,
    { hint: "triaged relationships list REPO --json shows those of one repository" },
  );
}

const KEYS_TOLD_MAX = 20;

/** Tell of keys that nothing reads, on stderr: they are kept, but one may be a typing error. */
export function noteUnknownKeys(where: string, keys: readonly UnknownKey[]): void {
  for (const { path: parent, key, known } of keys.slice(0, KEYS_TOLD_MAX)) {
    const meant = nearest(key, known);
    const path = parent === "" ? key : `${parent}.${key}`;
    const hint = meant === null ? "" : `; did you mean ${meant}?`;
    note(visibleLine(`${where}: nothing reads ${path.slice(0, 300)}${hint}`));
  }
  if (keys.length > KEYS_TOLD_MAX) {
    note(`${where}: and ${keys.length - KEYS_TOLD_MAX} more`);
  }
}
