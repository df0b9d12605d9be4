/** The roles of a queue: which ones it has, who may be in them, and how they are made. */
import { z } from "zod";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import type { Database } from "../database.ts";
import { codeOf } from "../sqlstate.ts";
import {
  defaultPrefix,
  namesOf,
  PREFIX_IN_FILES,
  quoted,
  ROLE_KINDS,
  type RoleKind,
  type Roles,
  rolesOf,
  withHash,
} from "./role-names.ts";

/** Members, or databases, in one message, at most. */
const SHOWN_MAX = 20;

/** The roles that the grants of the schema name; null where there are none. */
export async function readRoles(db: Database): Promise<Roles | null> {
  const [roles] = await readAllRoles(db);
  return roles ?? null;
}

/** More than one where a move to others was not finished. */
async function readAllRoles(db: Database): Promise<readonly Roles[]> {
  const rows = await db.query<{ prefix: string }>({ text: PREFIXES_IN_USE, values: [db.schema] });
  return rows.map(({ prefix }) => rolesOf(prefix));
}

/** The outcome of settleRoles. */
export type SettledRoles = {
  /** Those that the grants are for. */
  readonly roles: Roles;
  /** Names of `roles` that could not be made. */
  readonly missing: readonly string[];
  /** Whether they were there before without a right in this queue. */
  readonly wereThere: boolean;
  /** Those that had the rights until now, where `roles` are others. */
  readonly former: readonly Roles[];
};

/**
 * Decide on the roles and make those that are missing, as far as this user may: those of the
 * setting, else those in use, else `schema_database`. Wants a transaction. Where the ones of the
 * setting cannot be made, those in use stay.
 */
export async function settleRoles(
  db: Database,
  { prefix }: { prefix: string | null },
): Promise<SettledRoles> {
  const inUse = await readAllRoles(db);
  const roles = prefix === null ? (inUse[0] ?? rolesOf(await freePrefix(db))) : rolesOf(prefix);
  const { made, missing } = await makeRoles(db, roles);
  return {
    roles,
    missing,
    wereThere: made.length === 0 && inUse.length === 0,
    former: prefix === null ? [] : inUse.filter((known) => known.prefix !== prefix),
  };
}

/** The one of schema and database; another where its roles have rights in another queue. */
export async function freePrefix(db: Database): Promise<string> {
  const [here] = await db.query<{ name: string; id: string }>({
    text: "select datname as name, oid::text as id from pg_database where datname = current_database()",
  });
  const { name, id } = z.object({ name: z.string(), id: z.string() }).parse(here);
  const prefix = defaultPrefix(db.schema, name);
  const elsewhere = await readSharedWith(db, rolesOf(prefix));
  // A database that was renamed keeps its roles, and another one may have its name by now.
  return elsewhere.length === 0 ? prefix : withHash(prefix, `${db.schema}.${name}.${id}`);
}

async function makeRoles(db: Database, roles: Roles) {
  const made: string[] = [];
  const missing: string[] = [];
  for (const name of namesOf(roles)) {
    const known = await db.query({
      text: "select from pg_roles where rolname = $1",
      values: [name],
    });
    if (known.length === 0) {
      ((await makeRole(db, name)) ? made : missing).push(name);
    }
  }
  return { made, missing };
}

async function makeRole(db: Database, name: string): Promise<boolean> {
  await db.query({ text: "savepoint before_role" });
  try {
    await db.query({ text: `create role ${quoted(name)} nologin` });
    return true;
  } catch (err) {
    await db.query({ text: "rollback to savepoint before_role" });
    switch (codeOf(err) ?? "") {
      case "42501":
        return false;
      // Made by another database's migration just now.
      case "42710":
      case "23505":
        return true;
      default:
        throw err;
    }
  }
}

/** The statements for an administrator to run where this user may not make the roles. */
export function adviceToMake({
  roles,
  missing,
  owner,
}: {
  roles: Roles;
  missing: readonly string[];
  owner: string;
}): string {
  return [
    ...missing.map((name) => `create role ${quoted(name)};`),
    `grant ${namesOf(roles).map(quoted).join(", ")} to ${quoted(owner)} with admin option;`,
  ].join(" ");
}

type RoleFacts = {
  /** The current user. */
  readonly user: string;
  /** Whether it may grant the roles to others. */
  readonly mayGrant: boolean;
};

export async function readRoleFacts(db: Database, roles: Roles): Promise<RoleFacts> {
  const [row] = await db.query({ text: FACTS, values: [namesOf(roles)] });
  return z.object({ user: z.string(), mayGrant: z.boolean() }).parse(row);
}

/** Of the roles, those that this user may take on. */
export async function readUsableRoles(db: Database, roles: Roles): Promise<readonly RoleKind[]> {
  const rows = await db.query({ text: USABLE, values: [namesOf(roles), ROLE_KINDS] });
  return rows.map((row) => z.object({ kind: z.enum(ROLE_KINDS) }).parse(row).kind);
}

/** Where else these roles have rights: `database x` or `schema y`. */
async function readSharedWith(db: Database, roles: Roles): Promise<readonly string[]> {
  const rows = await db.query<{ place: string }>({
    text: SHARED_WITH,
    values: [db.schema, namesOf(roles), SHOWN_MAX],
  });
  return rows.map(({ place }) => place);
}

/**
 * The error of a statement; where the server did not allow that, one that names the role to grant.
 */
export async function namingRoles(db: Database, err: unknown): Promise<unknown> {
  if (codeOf(err) !== "42501" || !(err instanceof Error)) {
    return err;
  }
  // Where the transaction is over, nothing can be asked.
  const roles = await readRoles(db).catch(() => null);
  return roles === null
    ? err
    : new EnvironmentError(`not allowed: ${err.message}`, {
        hint:
          `grant ${quoted(roles.api)} to this user; ` +
          `\`triaged jobs\` and operators need ${quoted(roles.owner)}`,
        exitCode: EXIT_CODES.config,
        cause: err,
      });
}

type RoleMember = { readonly kind: RoleKind; readonly name: string };

/** Who has been granted one of these roles. */
export async function readMembers(db: Database, roles: Roles): Promise<readonly RoleMember[]> {
  const rows = await db.query({
    text: MEMBERS,
    values: [namesOf(roles), ROLE_KINDS, SHOWN_MAX],
  });
  return rows.map((row) => z.object({ kind: z.enum(ROLE_KINDS), name: z.string() }).parse(row));
}

/** How the queue gets roles of its own where it shares them; null where that is on purpose. */
export async function readSharing(
  db: Database,
  { roles, chosen }: { roles: Roles; chosen: string | null },
): Promise<{ readonly found: string; readonly advice: string } | null> {
  const shared = await readSharedWith(db, roles);
  if (roles.prefix === chosen || (shared.length === 0 && roles.prefix !== PREFIX_IN_FILES)) {
    return null;
  }
  const names = namesOf(roles).join(", ");
  return {
    found:
      shared.length > 0
        ? `roles ${names} are shared with ${shared.join(", ")}: whoever is granted one enters each`
        : `roles ${names} are shared with each other database of the server whose queue names them so`,
    advice:
      `TRIAGED_ROLE_PREFIX=${await freePrefix(db)} triaged migrate moves this queue to roles of ` +
      `its own and lists what to grant; TRIAGED_ROLE_PREFIX=${roles.prefix} keeps these on purpose`,
  };
}

/** All three have usage. Another role whose name ends so, and that was let in, stands alone. */
const PREFIXES_IN_USE = `
  select prefix
  from (
    select substring(role.rolname from '^(.*)_(?:owner|api|readonly)$') as prefix
    from pg_catalog.pg_namespace as home
    cross join lateral pg_catalog.aclexplode(home.nspacl) as granted
    join pg_catalog.pg_roles as role on role.oid = granted.grantee
    where
      home.nspname = $1 and granted.privilege_type = 'USAGE' and granted.grantee <> home.nspowner
  ) as named
  where prefix is not null
  group by prefix
  having count(*) >= 2
  order by count(*) desc, prefix collate "C"`;

const FACTS = `
  select
    current_user::text as "user",
    coalesce(bool_and(
      login.rolsuper
      or (login.rolcreaterole and current_setting('server_version_num')::integer < 160000)
      or pg_has_role(current_user, role.oid, 'member with admin option')
    ), false) as "mayGrant"
  from pg_roles as role
  cross join (select * from pg_roles where rolname = current_user) as login
  where role.rolname = any ($1::name[])`;

/** Being a member is enough until PostgreSQL 16, which has a right of its own for it. */
const USABLE = `
  select kind
  from unnest($1::name[], $2::text[]) as ours (name, kind)
  join pg_roles as role on role.rolname = ours.name
  where pg_has_role(
    current_user,
    role.oid,
    case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end
  )`;

const SHARED_WITH = `
  with ours as (select oid from pg_roles where rolname = any ($2::name[]))
  select place
  from (
    select format('database %s', datname)
    from pg_shdepend as granted
    join pg_database as other on other.oid = granted.dbid
    where
      granted.refclassid = 'pg_authid'::regclass and granted.refobjid in (select oid from ours)
      and other.datname <> current_database()
    union
    select format('schema %s', home.nspname)
    from pg_namespace as home
    cross join lateral aclexplode(home.nspacl) as granted
    where
      granted.grantee in (select oid from ours) and home.nspname <> $1
      -- Rights of ours on a schema of an application make no second queue.
      and exists (
        select from pg_class where relnamespace = home.oid and relname = 'live_tasks'
      )
  ) as known (place)
  order by place collate "C"
  limit $3`;

const MEMBERS = `
  select distinct kind, member.rolname::text as name
  from unnest($1::name[], $2::text[]) as ours (name, kind)
  join pg_roles as role on role.rolname = ours.name
  join pg_auth_members as held on held.roleid = role.oid
  join pg_roles as member on member.oid = held.member
  where
    member.rolname <> current_user
    -- From PostgreSQL 16 on, who makes a role is a member that may grant it, and no more.
    and (
      coalesce((to_jsonb(held) ->> 'inherit_option')::boolean, true)
      or coalesce((to_jsonb(held) ->> 'set_option')::boolean, true)
    )
  order by kind, member.rolname::text
  limit $3`;
