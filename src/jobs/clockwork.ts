/** What graphile-worker has written down of the runs of our jobs. */
import { z } from "zod";
import { type Database, IsoTime, isoTime } from "../postgres/database.ts";
import { readStrangers } from "../postgres/strangers.ts";
import { jobsSchemaOf } from "./jobs-schema.ts";

const Access = z.object({
  may_use: z.boolean(),
  may_read: z.boolean(),
});

const Known = z.object({
  name: z.string(),
  known_since: IsoTime,
  last_run_at: IsoTime.nullable(),
});
const Failing = z.object({ name: z.string(), attempts: z.coerce.number(), error: z.string() });

export type Clockwork = {
  /** Jobs that some process has scheduled. */
  readonly known: readonly z.output<typeof Known>[];
  /** Jobs that failed and wait for another try, or have none left. */
  readonly failing: readonly z.output<typeof Failing>[];
  /** The time of the server. */
  readonly now: Date;
};

/** Whose the tables are, where a look at them would run what a stranger wrote. */
export type Foreign = { readonly schema: string; readonly strangers: readonly string[] };

/** Read it; "none" where `triaged jobs` never ran, "hidden" where this user may not look. */
export async function readClockwork(
  db: Database,
): Promise<Clockwork | Foreign | "none" | "hidden"> {
  const schema = jobsSchemaOf(db.schema);
  const strangers = await readStrangers(db, { schema, trustsQueueOwner: true });
  if (strangers.length > 0) {
    return { schema, strangers };
  }
  const [row] = await db.query({ text: ACCESS, values: [schema] });
  if (row === undefined) {
    return "none";
  }
  const { may_use, may_read } = Access.parse(row);
  if (!may_use || !may_read) {
    return "hidden";
  }
  const known = await db.query({
    text: `select identifier as name, ${isoTime("known_since")},
             ${isoTime("last_execution", "last_run_at")}
           from ${schema}._private_known_crontabs`,
  });
  const failing = await db.query({
    text: `select task_identifier as name, attempts, left(last_error, 200) as error
           from ${schema}.jobs
           where last_error is not null
           order by task_identifier`,
  });
  const [clock] = await db.query({ text: `select ${isoTime("clock_timestamp()", "now")}` });
  return {
    known: known.map((one) => Known.parse(one)),
    failing: failing.map((one) => Failing.parse(one)),
    now: z.object({ now: IsoTime }).parse(clock).now,
  };
}

/** Asked of the catalog: the tables show no rows to whom their policies leave out. */
const ACCESS = `
  select
    has_schema_privilege(pg_namespace.oid, 'usage') as may_use,
    has_table_privilege(pg_class.oid, 'select') and not row_security_active(pg_class.oid)
      as may_read
  from pg_namespace
  join pg_class on relnamespace = pg_namespace.oid and relname = '_private_known_crontabs'
  where nspname = $1`;
