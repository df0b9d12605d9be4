import { z } from "zod";
import type { Database } from "../postgres/database.ts";
import { describeRights } from "../postgres/restored.ts";
import { applyRights, hasDrifted, type RightsDrift } from "../postgres/rights.ts";
import { REPEATABLES, WITHOUT_GRANTS } from "../postgres/schema-state.ts";
import { codeOf } from "../postgres/sqlstate.ts";
import { ROLES } from "../postgres/strangers.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

const RightsFacts = z.object({
  /** Whether this role may enqueue. */
  may_enqueue: z.boolean(),
  /** Our roles that the server has not. */
  missing_roles: z.array(z.string()),
  /** Whether the migrator could not make them. */
  without_grants: z.boolean(),
});

type RightsFacts = z.output<typeof RightsFacts>;

/** Whether each role has the rights of sql/grants.sql: a dump may have come without them. */
export const rightsProbe: Probe = {
  subject: "rights",
  async look({ db }) {
    const [row] = await db.query({
      text: RIGHTS_FACTS,
      values: [[...ROLES], REPEATABLES, WITHOUT_GRANTS],
    });
    const facts = RightsFacts.parse(row);
    const drift = facts.missing_roles.length === 0 ? await compareRights(db) : null;
    return [judgeRights(facts, drift)];
  },
};

/** `drift` is null where it cannot be told: only the owner may set the rights, and so compare. */
export function judgeRights(facts: RightsFacts, drift: RightsDrift | null): Finding {
  const { may_enqueue, missing_roles, without_grants } = facts;
  if (missing_roles.length > 0) {
    const judge = without_grants ? warning : error;
    return judge(
      "rights",
      `the server has no ${missing_roles.join(", ")}: the queue is its owner's alone`,
      "run `triaged migrate` as the owner of the schema, with CREATEROLE",
    );
  }
  if (drift !== null && hasDrifted(drift)) {
    return error("rights", describeRights(drift).join("; "), "run `triaged migrate`");
  }
  return may_enqueue
    ? ok("rights", "may enqueue")
    : warning("rights", "this user may only look", "producers and workers need triaged_api");
}

/** In the transaction of the look, which is rolled back. */
async function compareRights(db: Database): Promise<RightsDrift | null> {
  await db.query({ text: "savepoint rights" });
  try {
    return await applyRights(db);
  } catch (err) {
    // Not the owner, or a standby.
    if (["42501", "25006"].includes(codeOf(err) ?? "")) {
      return null;
    }
    throw err;
  } finally {
    await db.query({ text: "rollback to savepoint rights" });
  }
}

const RIGHTS_FACTS = `
  select
    coalesce(
      has_function_privilege(to_regprocedure('triaged.enqueue_tasks(jsonb)'), 'execute'), false
    ) as may_enqueue,
    array(
      select name from unnest($1::text[]) as name where to_regrole(name) is null
    ) as missing_roles,
    exists (
      select from triaged.schema_migrations where name = $2 and checksum like '%' || $3
    ) as without_grants`;
