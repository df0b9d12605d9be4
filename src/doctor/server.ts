import { z } from "zod";
import { readRoles } from "../postgres/roles.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

/** The newest major version that the tests run on. */
const VERSION_TRIED_MAX = 18;

const ServerFacts = z.object({
  version: z.string(),
  version_number: Count,
  is_standby: z.boolean(),
  /** Whether this role may enqueue. */
  may_enqueue: z.boolean(),
  fsync: z.string(),
  full_page_writes: z.string(),
  synchronous_commit: z.string(),
  track_activities: z.string(),
  idle_in_transaction_session_timeout: z.string(),
  session_replication_role: z.string(),
});

type ServerFacts = z.output<typeof ServerFacts>;

/** Version, role and rights, and the settings that lose data or hide what goes on. */
export const serverProbe: Probe = {
  subject: "server",
  async look({ db }) {
    const [row] = await db.query({ text: SERVER_FACTS });
    return judgeServer(ServerFacts.parse(row), (await readRoles(db))?.api ?? null);
  },
};

/** `api` is the role that may enqueue, where there is one. */
export function judgeServer(facts: ServerFacts, api: string | null): Finding[] {
  return [
    judgeVersion(facts),
    facts.is_standby
      ? error("role", "the server is a standby", "name the primary in DATABASE_URL")
      : ok("role", "primary"),
    ...judgeRights(facts, api),
    judgeDurability(facts),
    ...judgeSessions(facts),
  ];
}

/** Nothing is said of an owner whose queue has no roles: that is found with them. */
function judgeRights({ may_enqueue }: ServerFacts, api: string | null): Finding[] {
  if (may_enqueue) {
    return api === null ? [] : [ok("rights", "may enqueue")];
  }
  const role = api ?? "a role, which `triaged migrate` makes";
  return [warning("rights", "this user may only look", `producers and workers need ${role}`)];
}

function judgeVersion({ version, version_number }: ServerFacts): Finding {
  const found = `PostgreSQL ${version}`;
  return Math.floor(version_number / 10_000) > VERSION_TRIED_MAX
    ? warning("server", found, `triaged is tried with 15 to ${VERSION_TRIED_MAX}`)
    : ok("server", found);
}

function judgeDurability(facts: ServerFacts): Finding {
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

function judgeSessions(facts: ServerFacts): Finding[] {
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

const SERVER_FACTS = `
  select
    current_setting('server_version') as version,
    current_setting('server_version_num') as version_number,
    pg_is_in_recovery() as is_standby,
    coalesce(
      has_function_privilege(to_regprocedure('triaged.enqueue_tasks(jsonb)'), 'execute'), false
    ) as may_enqueue,
    current_setting('fsync') as fsync,
    current_setting('full_page_writes') as full_page_writes,
    current_setting('synchronous_commit') as synchronous_commit,
    current_setting('track_activities') as track_activities,
    current_setting('idle_in_transaction_session_timeout') as idle_in_transaction_session_timeout,
    current_setting('session_replication_role') as session_replication_role`;
