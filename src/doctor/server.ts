import type { Database } from "../database/database.ts";
import { readSetbackFacts, type SetbackFacts } from "../database/queue-facts.ts";
import { readRoles } from "../database/roles/roles.ts";
import {
  type ArchiveFacts,
  readArchiveFacts,
  readServerClock,
  readServerFacts,
  readSettingFacts,
  type ServerFacts,
  type SettingFacts,
} from "../database/server-facts.ts";
import { counted } from "../model/text.ts";
import { type DoctorFinding, type DoctorProbe, error, ok, warning } from "./probe.ts";

/** The newest major version that the tests run on. */
const VERSION_TRIED_MAX = 18;

/** Version and role, and the settings that lose data or hide what goes on. */
export const serverProbe: DoctorProbe = {
  subject: "server",
  async look({ db }) {
    return judgeServer(await readServerFacts(db));
  },
};

export function judgeServer(facts: ServerFacts): DoctorFinding[] {
  return [
    judgeVersion(facts),
    facts.is_standby
      ? error("role", "the server is a standby", "name the primary in DATABASE_URL")
      : ok("role", "primary"),
    judgeDurability(facts),
    ...judgeSessions(facts),
  ];
}

/** Whether this login may enqueue. */
export const rightsProbe: DoctorProbe = {
  subject: "rights",
  isOfLogin: true,
  async look({ db }) {
    return judgeRights(await readServerFacts(db), (await readRoles(db))?.api ?? null);
  },
};

/**
 * `api` is the role that may enqueue, where there is one. Nothing is said of an owner whose queue
 * has no roles: that is found with them.
 */
function judgeRights({ may_enqueue }: ServerFacts, api: string | null): DoctorFinding[] {
  if (may_enqueue) {
    return api === null ? [] : [ok("rights", "may enqueue")];
  }
  const role = api ?? "a role, which `triaged migrate` makes";
  return [warning("rights", "this user may only look", `producers and workers need ${role}`)];
}

function judgeVersion({ version, version_number }: ServerFacts): DoctorFinding {
  const found = `PostgreSQL ${version}`;
  return Math.floor(version_number / 10_000) > VERSION_TRIED_MAX
    ? warning("server", found, `triaged is tried with 15 to ${VERSION_TRIED_MAX}`)
    : ok("server", found);
}

function judgeDurability(facts: ServerFacts): DoctorFinding {
  const lossy = (["fsync", "full_page_writes"] as const).filter((name) => facts[name] === "off");
  if (lossy.length > 0) {
    return error(
      "durability",
      `${lossy.join(", ")} off: a crash can destroy the database`,
      "set to on in postgresql.conf",
    );
  }
  return facts.synchronous_commit === "off"
    ? warning(
        "durability",
        "synchronous_commit is off: a crash forgets the last moments",
        "set it to on, or accept that tasks vanish and settled ones run twice",
      )
    : ok("durability", `synchronous_commit ${facts.synchronous_commit}`);
}

function judgeSessions(facts: ServerFacts): DoctorFinding[] {
  const { idle_in_transaction_session_timeout: idle } = facts;
  return [
    facts.session_replication_role === "origin"
      ? ok("triggers", "fire")
      : error(
          "triggers",
          `session_replication_role is ${facts.session_replication_role}: nothing is recorded`,
          "reset it for this role: alter role … reset session_replication_role",
        ),
    facts.track_activities === "on"
      ? ok("activity", "track_activities on")
      : warning(
          "activity",
          "track_activities is off: nobody sees what a session does",
          "set it to on",
        ),
    idle === "0"
      ? warning(
          "idle",
          "idle_in_transaction_session_timeout is 0: one forgotten session holds back vacuum",
          "alter database … set idle_in_transaction_session_timeout = '10min'",
        )
      : ok("idle", `idle_in_transaction_session_timeout ${idle}`),
  ];
}

/** The longest single step of ours, the copy of a piece of a partition, takes a third of that. */
const STATEMENT_MS_MIN = 1_000;
/** Of `verify`, and of a merge of large partitions. */
const TRANSACTION_MS_MIN = 60_000;

/**
 * What `alter database … set` and `alter role … set` can do that the queue does not undo: a freeze
 * is meant, and so is a limit. The rest is fixed by our sessions and functions.
 */
export const settingsProbe: DoctorProbe = {
  subject: "settings",
  async look({ db }) {
    return judgeSettings(await readSettingFacts(db));
  },
};

function judgeSettings(facts: SettingFacts): DoctorFinding[] {
  const short = (
    [
      ["statement_timeout", STATEMENT_MS_MIN],
      ["lock_timeout", STATEMENT_MS_MIN],
      ["idle_in_transaction_session_timeout", STATEMENT_MS_MIN],
      ["transaction_timeout", TRANSACTION_MS_MIN],
    ] as const
  ).filter(([name, least]) => facts[name] > 0 && facts[name] < least);
  const findings = short.map(([name, least]) =>
    warning(
      "settings",
      `${name} is ${facts[name]} ms: work of the queue is cut off, and tried again`,
      `raise it to ${least} ms or more for this user: alter role … set ${name}`,
    ),
  );
  if (facts.default_transaction_read_only) {
    findings.unshift(
      error(
        "settings",
        "default_transaction_read_only is on: nobody can enqueue, and no worker can claim",
        "when writes may go on: alter database … reset default_transaction_read_only " +
          "(or alter role …)",
      ),
    );
  }
  return findings.length > 0 ? findings : [ok("settings", "let the queue write, and finish")];
}

const SKEW_MS_MAX = 1_000;

/**
 * How far the clock of this machine is from that of the server, which decides everything:
 * what differs is the time in logs, and what a producer computes for `run_at`.
 */
export const clockProbe: DoctorProbe = {
  subject: "clock",
  async look({ db, clock }) {
    const sentAt = clock();
    const serverMs = await readServerClock(db);
    const answeredAt = clock();
    return [
      judgeClock({
        aheadMs: (sentAt + answeredAt) / 2 - serverMs,
        unknownMs: (answeredAt - sentAt) / 2,
      }),
    ];
  },
};

/** `unknownMs` is what the way to the server and back may have hidden. */
export function judgeClock(skew: { aheadMs: number; unknownMs: number }): DoctorFinding {
  const { aheadMs, unknownMs } = skew;
  const found = `this machine is ${Math.abs(Math.round(aheadMs))} ms ${aheadMs < 0 ? "behind" : "ahead of"} the server`;
  return Math.abs(aheadMs) - unknownMs > SKEW_MS_MAX
    ? warning("clock", found, "run an NTP client on both; computed run_at and logs are off by it")
    : ok("clock", found);
}

/** Whether WAL leaves for the archive: what does not leave stays, until the disk is full. */
export const archiveProbe: DoctorProbe = {
  subject: "archive",
  look: async ({ db }) => judgeArchive(await readArchiveFacts(db)),
};

/** Nothing is said of a server that archives nothing: dumps may be all that somebody wants. */
export function judgeArchive(facts: ArchiveFacts): DoctorFinding[] {
  const { mode, failed_count, last_archived_at, last_failed_at, last_failed_wal } = facts;
  if (mode === null) {
    return [];
  }
  if (last_failed_at !== null && (last_archived_at === null || last_failed_at > last_archived_at)) {
    const since =
      last_archived_at === null
        ? "none has left so far"
        : `the last left at ${last_archived_at.toISOString()}`;
    return [
      error(
        "archive",
        `WAL cannot leave: ${last_failed_wal ?? "a segment"} failed at ${last_failed_at.toISOString()}, ` +
          `${counted(failed_count, "failure")} in all; ${since}`,
        "read the server's log, correct archive_command or its repository before the disk is full: docs/runbooks/disk-full.md",
      ),
    ];
  }
  return [
    ok(
      "archive",
      last_archived_at === null
        ? "no WAL has left yet"
        : `WAL left at ${last_archived_at.toISOString()}`,
    ),
  ];
}

/** Counted, at most. */
const WAITING_MAX = 1_000;

/** Whether the server's clock has gone back: what was written before waits for its time again. */
export const setbackProbe: DoctorProbe = {
  subject: "setback",
  look: async ({ db }) => [await readSetback(db)],
};

export async function readSetback(db: Database): Promise<DoctorFinding> {
  return judgeSetback(await readSetbackFacts(db, { limit: WAITING_MAX }));
}

function judgeSetback({ ahead, waiting }: SetbackFacts): DoctorFinding {
  if (ahead.length === 0) {
    return ok("setback", "nothing was written by a clock ahead of now");
  }
  const found = ahead.map(({ what, seconds }) => `${what} ${Math.round(seconds)} s`).join(", ");
  const most = waiting === WAITING_MAX ? `${WAITING_MAX} or more` : String(waiting);
  return warning(
    "setback",
    `the server's clock has gone back; ahead of now: ${found}. ${counted(most, "queued task")} ${waiting === 1 ? "was" : "were"} due by it`,
    "set the clock right; workers bring forward what was meant for now. A run_at that was given " +
      "stays: triaged why names it, update triaged.tasks set run_at = triaged.now() brings it",
  );
}

/** What is set in this environment, and means nothing here. What may not be set ends it before. */
export const environmentProbe: DoctorProbe = {
  subject: "environment",
  look: ({ config }) =>
    Promise.resolve(
      config.leftOver.length === 0
        ? [ok("environment", "nothing that another system left")]
        : config.leftOver.map((found) =>
            warning("environment", found, "unset it, if it is for triaged"),
          ),
    ),
};
