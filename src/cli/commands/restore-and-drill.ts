import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { restoreArchive } from "../../backup/archive.ts";
import { type Drill, drillArchive, drillDump } from "../../backup/drill.ts";
import { type Restored, restoreDump } from "../../backup/restore-dump.ts";
import { readStored } from "../../backup/store.ts";
import { tellAuditLog, toldError } from "../../backup/tell-audit-log.ts";
import { locateDatabase } from "../../database/connection-file.ts";
import { chooseServerUser } from "../../database/embedded/home.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { counted, visibleLine } from "../../model/text.ts";
import { readConfig } from "../../settings/config.ts";
import { parseDatabaseUrl } from "../../settings/database-url.ts";
import { choice, text } from "../../settings/variables.ts";
import { listenForStop } from "../../supervisor/stop-signals.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { note, print, printJson, renderRecord } from "../terminal/output.ts";
import { duration, instant } from "../terminal/parsing.ts";

/** A time, `latest`, or a duration before now. */
function moment() {
  return z.string().transform((given, context): Date | null => {
    if (given === "latest") {
      return null;
    }
    const ago = duration().safeParse(given);
    if (ago.success) {
      return new Date(Date.now() - ago.data);
    }
    const at = instant().safeParse(given);
    if (at.success && "runAt" in at.data) {
      return at.data.runAt;
    }
    context.addIssue({
      code: "custom",
      message: `expected a time such as 2027-01-31T08:00:00Z, 5m for that long ago, or latest, got "${given}"`,
    });
    return z.NEVER;
  });
}

const STANZA = {
  value: "NAME",
  about: "of pgBackRest, in place of PGBACKREST_STANZA",
  schema: text({ max: 200 }),
} as const;

export const restoreCommand = defineCommand({
  name: "restore",
  summary: "bring a queue back: from a dump, or as the server was at some moment",
  description:
    "FILE --into URL: a dump of `triaged backup`, or of pg_dump in its custom format, into a database\n" +
    "that is empty; then migrate, a comparison with the manifest, and verify. A restore that fails\n" +
    "leaves nothing. A password for URL may come from PGPASSWORD or ~/.pgpass.\n" +
    "--point-in-time TIME --data DIR: has pgBackRest restore the whole server into an empty folder,\n" +
    "which replays the archive of WAL up to TIME when you start it. See docs/runbooks/restore.md.",
  args: [{ name: "FILE", schema: text(), optional: true }],
  options: {
    into: { value: "URL", about: "the database that the dump goes into", schema: text() },
    replace: {
      value: "DATABASE",
      about: "its name, where there is something in it: the queue there is renamed, and kept",
      schema: text(),
    },
    "point-in-time": {
      value: "TIME",
      about: "2027-01-31T08:00:00Z, 5m for five minutes ago, or latest",
      schema: moment(),
    },
    data: { value: "DIR", about: "the folder of the server, empty", schema: text() },
    stanza: STANZA,
    json: { about: "print one JSON object" },
  },
  examples: [
    ["restore triaged-orders-20270131T020000Z.dump --into postgres://localhost/new", "a dump"],
    ["restore --point-in-time 5m --data /var/lib/postgresql/15/main", "the server, stopped"],
  ],
  run: async ({ flags, args: [file] }) => {
    const target = flags["point-in-time"];
    if ((file === undefined) === (target === undefined)) {
      throw new UsageError("restore needs a FILE or --point-in-time, and not both", {
        hint: "triaged restore --help",
      });
    }
    if (target !== undefined) {
      return await fromArchive({ ...flags, target });
    }
    if (flags.into === undefined) {
      throw new UsageError("a dump goes into the database that --into names", {
        hint: "--into postgres://user@host/database; the password may come from PGPASSWORD",
      });
    }
    return await fromDump({ ...flags, file: file ?? "", into: flags.into });
  },
});

async function fromDump(given: {
  readonly file: string;
  readonly into: string;
  readonly replace: string | undefined;
  readonly json: boolean;
}): Promise<number> {
  const config = readConfig();
  const signals = listenForStop();
  try {
    const dump = await readStored(given.file);
    if (dump === null) {
      note(`${given.file} has no manifest beside it: its rows cannot be compared`);
    }
    const restored = await restoreDump({
      dump: dump ?? { path: given.file, manifest: null },
      into: urlOf(given.into),
      config,
      replace: given.replace,
      signal: signals.stop,
      onStep: note,
    });
    if (given.json) {
      printJson(restored);
    } else {
      print(renderRestored(restored));
    }
    return restored.ok ? EXIT_CODES.done : EXIT_CODES.crash;
  } finally {
    signals.dispose();
  }
}

function urlOf(given: string) {
  try {
    return parseDatabaseUrl(given);
  } catch (err) {
    throw new UsageError(`--into: ${err instanceof Error ? err.message : String(err)}`, {
      hint: "triaged restore --help",
      cause: err,
    });
  }
}

function renderRestored({ ok, counts, differences, verify, set_aside, seconds }: Restored): string {
  const tasks = Object.values(counts.tasks).reduce((sum, count) => sum + count, 0);
  return [
    `restored ${counted(tasks, "task")} and ${counted(counts.history_rows, "row")} of history in ` +
      `${seconds.restore} s, migrated in ${seconds.migrate} s, verified in ${seconds.verify} s`,
    ...differences,
    ...verifyLines(verify),
    ...set_aside.map(
      (schema) => `the one of before is schema ${schema}; drop it when it is not wanted any more`,
    ),
    ok
      ? "All holds. Next: grant the roles that `triaged migrate` prints to your logins, and start workers and jobs."
      : "Not all holds.",
  ]
    .map(visibleLine)
    .join("\n");
}

function verifyLines({ complete, violations }: Restored["verify"]): string[] {
  return [
    ...(complete ? [] : ["the time was over before all was verified: triaged verify --timeout 1h"]),
    ...violations.slice(0, 10).map(({ check, problem }) => `${check}: ${problem}`),
  ];
}

async function fromArchive(given: {
  readonly target: Date | null;
  readonly data: string | undefined;
  readonly stanza: string | undefined;
  readonly json: boolean;
}): Promise<number> {
  if (given.data === undefined) {
    throw new UsageError("--point-in-time needs --data, the folder of the server", {
      hint: "the server is stopped, and the folder empty: move what is there aside",
    });
  }
  const data = path.resolve(given.data);
  const signals = listenForStop();
  const beganAt = performance.now();
  try {
    await restoreArchive({
      stanza: given.stanza,
      data,
      target: given.target,
      user: await chooseServerUser(data),
      signal: signals.stop,
    });
  } finally {
    signals.dispose();
  }
  const seconds = Math.round(performance.now() - beganAt) / 1_000;
  const until = given.target?.toISOString() ?? "the end of the archive";
  if (given.json) {
    printJson({ data, target: given.target?.toISOString() ?? "latest", seconds });
  } else {
    print(
      `${data} is restored in ${seconds} s, up to ${until}.\n` +
        "Next: start the server, and wait until it has replayed the archive (pg_is_in_recovery() is\n" +
        "false); then triaged migrate, triaged verify, triaged doctor; then workers and jobs.",
    );
  }
  return EXIT_CODES.done;
}

export const drillCommand = defineCommand({
  name: "drill",
  summary: "restore the newest backup beside the running server, and measure RPO and RTO",
  description:
    "Restores the newest dump that is whole into a database beside that of the queue (the role needs\n" +
    "createdb), or with --from archive the server itself by pgBackRest, into a folder, as the user of the\n" +
    "server. Then migrates and verifies, tells how old the backup is and how long that took, and\n" +
    "removes what it made. Exits 1 where something does not hold, or takes longer than you say.",
  args: [],
  options: {
    from: {
      value: "SOURCE",
      about: "dump (default) or archive",
      schema: choice(["dump", "archive"]),
    },
    dir: { value: "DIR", about: "of the dumps, in place of BACKUP_DIR", schema: text() },
    stanza: STANZA,
    "point-in-time": {
      value: "TIME",
      about: "archive: the moment to go to (default latest)",
      schema: moment(),
    },
    scratch: {
      value: "DIR",
      about:
        "archive: a folder with room for the server's data (default the system's temporary one)",
      schema: text(),
    },
    rpo: { value: "DURATION", about: "exit 1 where more would be lost", schema: duration() },
    rto: { value: "DURATION", about: "exit 1 where it took longer", schema: duration() },
    json: { about: "print one JSON object" },
  },
  examples: [
    ["drill --rpo 25h --rto 15m", "weekly, from cron: is last night's dump any good?"],
    ["drill --from archive --rpo 15m --rto 5m", "the same of base backup and WAL"],
  ],
  run: async ({ flags }) => {
    const config = readConfig();
    const database = config.directConnection ?? (await locateDatabase(config.connection));
    const signals = listenForStop();
    const options = { database, config, signal: signals.stop, onStep: note };
    const queue = { database, schema: config.schema };
    const source = flags.from ?? "dump";
    try {
      const folder = source === "dump" ? folderOf(flags.dir ?? config.backup.folder) : null;
      const drilling =
        folder === null
          ? drillArchive({
              ...options,
              stanza: flags.stanza,
              target: flags["point-in-time"] ?? null,
              scratch: path.resolve(flags.scratch ?? tmpdir()),
            })
          : drillDump(folder, options);
      const drill = await drilling.catch(async (err: unknown) => {
        await tellAuditLog(queue, "drill.failed", { source, error: toldError(err) });
        throw err;
      });
      const late = lateOf(drill, flags);
      await tellDrill(queue, drill, late);
      if (flags.json) {
        printJson({ ...drill, ok: drill.ok && late.length === 0, late });
      } else {
        print(renderDrill(drill, late));
      }
      return drill.ok && late.length === 0 ? EXIT_CODES.done : EXIT_CODES.crash;
    } finally {
      signals.dispose();
    }
  },
});

async function tellDrill(
  queue: Parameters<typeof tellAuditLog>[0],
  { ok, source, backup, rpo_seconds, rto_seconds, differences }: Drill,
  late: readonly string[],
): Promise<void> {
  await tellAuditLog(queue, ok && late.length === 0 ? "drill.performed" : "drill.failed", {
    source,
    backup,
    rpo_seconds,
    rto_seconds,
    problems: [...differences, ...late].slice(0, 10),
  });
}

function folderOf(folder: string | null): string {
  if (folder === null) {
    throw new UsageError("there is no folder of dumps", {
      hint: "name one by --dir, or in BACKUP_DIR; --from archive needs none",
    });
  }
  return folder;
}

/** What took longer than was asked for, as sentences. */
function lateOf(
  { rpo_seconds: rpo, rto_seconds: rto }: Drill,
  { rpo: rpoMs, rto: rtoMs }: { rpo: number | undefined; rto: number | undefined },
): string[] {
  return [
    { name: "RPO", seconds: rpo, maxMs: rpoMs },
    { name: "RTO", seconds: rto, maxMs: rtoMs },
  ].flatMap(({ name, seconds, maxMs = Infinity }) =>
    seconds * 1_000 > maxMs ? [`${name} is ${seconds} s, more than ${maxMs / 1_000} s`] : [],
  );
}

function renderDrill(drill: Drill, late: readonly string[]): string {
  const { counts, seconds, history_rows_lost: lost } = drill;
  const tasks = Object.values(counts.tasks).reduce((sum, count) => sum + count, 0);
  const record = renderRecord([
    ["backup", drill.backup],
    ["shows", drill.shows.toISOString()],
    ["RPO", `${drill.rpo_seconds.toFixed(1)} s: how old that was when the drill began`],
    [
      "RTO",
      `${drill.rto_seconds.toFixed(1)} s: restore ${seconds.restore}, migrate ${seconds.migrate}, verify ${seconds.verify}`,
    ],
    ["back", `${counted(tasks, "task")}, ${counted(counts.history_rows, "row")} of history`],
    [
      "lost",
      lost === null
        ? "unknown: the running server does not answer"
        : `${counted(lost, "row")} of history came later`,
    ],
  ]);
  return [
    record,
    ...drill.differences,
    ...verifyLines(drill.verify),
    ...late,
    drill.ok && late.length === 0 ? "All holds." : "Not all holds.",
  ].join("\n");
}
