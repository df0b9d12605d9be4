/**
 * The schema beside that of the queue, in which clients of the older system find their tables and
 * functions. The queue works without it.
 */
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import type { Database } from "../database.ts";

/** PostgreSQL cuts longer names: they would silently be other ones. */
const NAME_BYTES_MAX = 63;
/** The comment that tells the schema from one that somebody else made under the same name. */
const MARK = "made by triaged for clients of the older system";

/** Its name, for a queue in `schema`; null where that would be too long. */
export function compatSchema(schema: string): string | null {
  const name = `${schema}_compat`;
  return Buffer.byteLength(name) > NAME_BYTES_MAX ? null : name;
}

/**
 * `ours` may be filled. `absent` is not there yet. The others are left alone: `foreign` holds
 * what triaged did not make, `nameless` would have a name that is too long.
 */
type CompatState = "ours" | "absent" | "foreign" | "nameless";

export async function readCompatState(db: Database): Promise<CompatState> {
  const name = compatSchema(db.schema);
  if (name === null) {
    return "nameless";
  }
  const [found] = await db.query<{ ours: boolean }>({
    text: `select
             coalesce(pg_catalog.obj_description(home.oid, 'pg_namespace')
               operator(pg_catalog.=) $2, false)
             -- An administrator may have made it, empty, for a role that makes no schemas.
             or not (
               exists (
                 select from pg_catalog.pg_class
                 where relnamespace operator(pg_catalog.=) home.oid
               )
               or exists (
                 select from pg_catalog.pg_proc
                 where pronamespace operator(pg_catalog.=) home.oid
               )
             ) as ours
           from pg_catalog.pg_namespace as home
           where home.nspname operator(pg_catalog.=) $1`,
    values: [name, MARK],
  });
  if (found === undefined) {
    return "absent";
  }
  return found.ours ? "ours" : "foreign";
}

/**
 * Make the schema, where it is to be made. Resolves to null once it may be filled, else to why
 * it stays away.
 */
export async function prepareCompatSchema(db: Database): Promise<string | null> {
  const name = compatSchema(db.schema);
  const state = await readCompatState(db);
  if (state === "foreign" || state === "nameless") {
    return whyWithoutCompat(db.schema, state).join("; ");
  }
  if (state === "absent") {
    const [may] = await db.query<{ create: boolean }>({
      text: `select pg_catalog.has_database_privilege(
               pg_catalog.current_database(), 'create') as create`,
    });
    if (may?.create !== true) {
      return whyWithoutCompat(db.schema, state).join("; ");
    }
    await db.query({ text: `create schema ${name}` });
  }
  const [owned] = await db.query<{ mine: boolean }>({
    text: `select pg_catalog.pg_has_role(nspowner, 'usage') as mine
           from pg_catalog.pg_namespace where nspname operator(pg_catalog.=) $1`,
    values: [name],
  });
  if (owned?.mine === true) {
    await db.query({ text: `comment on schema ${name} is '${MARK}'` });
  }
  return null;
}

const REASONS = {
  absent: [
    "it is not there",
    "have it created for the role that owns the queue, unless that role may, then: triaged migrate",
  ],
  foreign: ["it holds what triaged did not make", "rename that schema, then: triaged migrate"],
  nameless: [
    `its name would have more than ${NAME_BYTES_MAX} bytes`,
    "move the queue to a schema with a shorter name, if it has such clients",
  ],
} as const;

/** A sentence on what clients of the older system miss, and one on what to do. */
export function whyWithoutCompat(
  schema: string,
  state: Exclude<CompatState, "ours">,
): readonly [found: string, advice: string] {
  const [reason, advice] = REASONS[state];
  return [`clients of the older system have no schema ${schema}_compat: ${reason}`, advice];
}

/** Throw an EnvironmentError (78) for a queue in the compatibility schema of another one. */
export async function refuseCompatAsQueue(db: Database): Promise<void> {
  const [found] = await db.query<{ mark: string | null }>({
    text: `select pg_catalog.obj_description(oid, 'pg_namespace') as mark
           from pg_catalog.pg_namespace where nspname operator(pg_catalog.=) $1`,
    values: [db.schema],
  });
  if (found?.mark === MARK) {
    throw new EnvironmentError(`schema ${db.schema} is the compatibility schema of another queue`, {
      hint: "name another one in TRIAGED_SCHEMA",
      exitCode: EXIT_CODES.config,
    });
  }
}
