/**
 * Whose a schema is. Whoever owns a function, a table with triggers, or a view is run with the
 * rights of those who use it; so is whoever may put a better match of its name beside it.
 */
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import type { Database } from "../database.ts";
import { namesOf, type Roles } from "./role-names.ts";

/** Findings in one message, at most. */
const SHOWN_MAX = 3;

/** A schema, and whether to trust the owner of the queue beside the current role. */
type Suspect = { readonly schema: string; readonly trustsQueueOwner?: boolean };

/**
 * What strangers have in a schema, each as a part of a sentence; empty where there is no such
 * schema, or where all of it belongs to the current role, a superuser, or a role that may act
 * as the current one anyway. Reads catalogs alone, so it runs nothing of a stranger.
 */
export async function readStrangers(
  db: Database,
  { schema, trustsQueueOwner = false }: Suspect,
): Promise<readonly string[]> {
  const rows = await db.query<{ finding: string }>({
    text: STRANGERS,
    values: [schema, trustsQueueOwner ? db.schema : null, SHOWN_MAX],
  });
  return rows.map(({ finding }) => finding);
}

/** Throw an EnvironmentError (78) where strangers have something in the schema. */
export async function refuseStrangers(db: Database, suspect: Suspect): Promise<void> {
  const strangers = await readStrangers(db, suspect);
  if (strangers.length > 0) {
    throw new EnvironmentError(
      `schema ${suspect.schema} is not ours alone: ${strangers.join("; ")}`,
      { hint: adviceAgainstStrangers(suspect.schema), exitCode: EXIT_CODES.config },
    );
  }
}

export function adviceAgainstStrangers(schema: string): string {
  return (
    `what they wrote would run with your rights: connect as the role that owns ${schema}, ` +
    `or have an administrator look into it, then alter … owner to that role, revoke create on schema`
  );
}

/**
 * Who else decides on our three roles, each as a sentence: they belong to the whole server, and
 * whoever made them first may give them to anybody, or log in as one.
 */
export async function readRoleHolders(db: Database, roles: Roles): Promise<readonly string[]> {
  const rows = await db.query<{ finding: string }>({
    text: ROLE_HOLDERS,
    values: [db.schema, namesOf(roles), SHOWN_MAX],
  });
  return rows.map(({ finding }) => finding);
}

const QUEUE_OWNER = (schema: string) => `
  select relowner as owner_id
  from pg_catalog.pg_class as queue
  join pg_catalog.pg_namespace as home on home.oid operator(pg_catalog.=) queue.relnamespace
  where home.nspname operator(pg_catalog.=) ${schema}
    and queue.relname operator(pg_catalog.=) 'live_tasks'`;

const ROLE_HOLDERS = `
  with ours as (
    select oid, rolname, rolcanlogin
    from pg_catalog.pg_roles where rolname operator(pg_catalog.=) any ($2::pg_catalog.name[])
  ),
  queue_owner as (${QUEUE_OWNER("$1")})
  select finding
  from (
    select pg_catalog.format('%s may log in; grant it to logins instead', rolname)
    from ours where rolcanlogin
    union all
    select pg_catalog.format(
      '%s may give %s to anybody', pg_catalog.pg_get_userbyid(held.member), rolname
    )
    from ours
    join pg_catalog.pg_auth_members as held on held.roleid operator(pg_catalog.=) ours.oid
    where held.admin_option and not (
      pg_catalog.pg_has_role(held.member, current_user, 'member')
      or exists (
        select from queue_owner
        where pg_catalog.pg_has_role(held.member, queue_owner.owner_id, 'member')
      )
    )
  ) as told (finding)
  order by finding collate pg_catalog."C"
  limit $3`;

/** Every name with its schema: the session's own search path may be a stranger's. */
const STRANGERS = `
  with suspect as (
    select
      oid as schema_id,
      nspacl as rights,
      -- A role without members of its own; the database's owner is meant.
      case pg_catalog.pg_get_userbyid(nspowner)
        when 'pg_database_owner' then (
          select datdba from pg_catalog.pg_database
          where datname operator(pg_catalog.=) pg_catalog.current_database()
        )
        else nspowner
      end as owner_id
    from pg_catalog.pg_namespace
    where nspname operator(pg_catalog.=) $1
  ),
  queue_owner as (${QUEUE_OWNER("$2")}),
  known (role_id, place, finding) as (
    select owner_id, 1, 'it belongs to ' from suspect
    union all
    select granted.grantee, 2, 'whoever may create in it is '
    from suspect cross join lateral pg_catalog.aclexplode(rights) as granted
    where granted.privilege_type operator(pg_catalog.=) 'CREATE'
      and granted.grantee operator(pg_catalog.<>) owner_id
    union all
    select relowner, 3, 'its ' operator(pg_catalog.||) relname::pg_catalog.text
      operator(pg_catalog.||) ' belongs to '
    from pg_catalog.pg_class join suspect on relnamespace operator(pg_catalog.=) schema_id
    union all
    select proowner, 4, 'its function ' operator(pg_catalog.||) proname::pg_catalog.text
      operator(pg_catalog.||) ' belongs to '
    from pg_catalog.pg_proc join suspect on pronamespace operator(pg_catalog.=) schema_id
    union all
    select typowner, 5, 'its type ' operator(pg_catalog.||) typname::pg_catalog.text
      operator(pg_catalog.||) ' belongs to '
    from pg_catalog.pg_type join suspect on typnamespace operator(pg_catalog.=) schema_id
  )
  select finding operator(pg_catalog.||) case role_id
    when 0 then 'everybody'
    else pg_catalog.pg_get_userbyid(role_id)::pg_catalog.text
  end as finding
  from known
  where
    role_id operator(pg_catalog.=) 0
    or not (
      pg_catalog.pg_has_role(role_id, current_user, 'member')
      or exists (
        select from queue_owner
        where pg_catalog.pg_has_role(role_id, queue_owner.owner_id, 'member')
      )
    )
  order by place, finding collate pg_catalog."C"
  limit $3`;
