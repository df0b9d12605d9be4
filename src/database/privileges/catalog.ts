/** The rights in a schema, as the catalogs have them. Anybody may read these. */
import { z } from "zod";
import type { Database } from "../database.ts";
import { compatSchema, readCompatState } from "../schema/compat.ts";

export const Right = z.object({
  id: z.string(),
  kind: z.enum(["schema", "table", "column", "sequence", "function"]),
  name: z.string(),
  /** The function, or the table: of a partition the one that is divided, of a sequence its user. */
  belongsTo: z.string(),
  column: z.string().nullable(),
  owner: z.string(),
  grantor: z.string(),
  /** Null stands for everybody. */
  grantee: z.string().nullable(),
  privilege: z.string(),
  /** Not a partition, of which each day has its own. */
  isLasting: z.boolean(),
  holdsSecrets: z.boolean(),
  /** May act as the owner anyway. */
  isOwners: z.boolean(),
  /** Whether the current user acts as the owner. */
  mayMend: z.boolean(),
});
export type Right = z.output<typeof Right>;

/** A right that the owner lacks, with whose rights our functions run. */
export type Lack = ObjectIdentity & { readonly object: string; readonly owner: string };

/** Which object of the schema, and whether the current user acts as its owner. */
export type ObjectIdentity = {
  readonly id: string;
  readonly kind: string;
  readonly belongsTo: string;
  readonly mayMend: boolean;
};

/** Row security of a table of ours. */
export type RowSecurity = ObjectIdentity & {
  readonly table: string;
  /** For the owner too, with whose rights our functions run. */
  readonly isForced: boolean;
  /** Policies say which rows are seen. Without any, only the owner sees rows. */
  readonly hasPolicies: boolean;
};

/** The queue's schema, and that of its older clients where it is ours. */
async function homesOf(db: Database): Promise<readonly [string, string | null]> {
  return [db.schema, (await readCompatState(db)) === "ours" ? compatSchema(db.schema) : null];
}

/** Identities of everything in the schemas, to tell later what came since. */
export async function readObjects(db: Database): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ id: string }>({
    text: `select distinct id from (${OBJECTS}) as thing`,
    values: await homesOf(db),
  });
  return new Set(rows.map(({ id }) => id));
}

export async function readRights(db: Database): Promise<Right[]> {
  const rows = await db.query({ text: RIGHTS, values: await homesOf(db) });
  return rows.map((row) => Right.parse(row));
}

export async function readOwnerLacks(db: Database): Promise<Lack[]> {
  return await db.query<Lack>({ text: OWNER_LACKS, values: await homesOf(db) });
}

export async function readRowSecurity(db: Database): Promise<RowSecurity[]> {
  return await db.query<RowSecurity>({ text: ROW_SECURITY, values: await homesOf(db) });
}

/** The rights that default privileges in force give to others, by owner and kind of object. */
type DefaultPrivilege = {
  readonly owner: string;
  readonly kind: string;
  readonly grantee: string;
  readonly gives: readonly string[];
};

export async function readDefaults(db: Database): Promise<DefaultPrivilege[]> {
  return await db.query<DefaultPrivilege>({ text: DEFAULTS, values: [db.schema] });
}

/**
 * What has rights, with those that it has by its kind where nobody granted any. The row type of a
 * table has none that matter.
 */
const OBJECTS = `
  with home as (
    select *, case when nspname = $2 then nspname || '.' else '' end as qualifier
    from pg_namespace where nspname in ($1, $2)
  ),
  relation as (
    select
      known.*, qualifier, relispartition or relname similar to '(final_tasks|task_history)#_rewrite%' escape '#'
        as passes,
      format('%s.%I', nspname, relname) as full_name,
      -- The copies of a rewrite as well.
      qualifier || regexp_replace(
        coalesce(
          (select root.relname from pg_class as root where root.oid = pg_partition_root(known.oid)),
          (
            select used.relname
            from pg_depend join pg_class as used on used.oid = refobjid
            where
              objid = known.oid and classid = 'pg_class'::regclass
              and refclassid = 'pg_class'::regclass and deptype in ('a', 'i')
              and known.relkind = 'S'
            limit 1
          ),
          relname
        ),
        '_rewrite$', ''
      ) as belongs_to
    from pg_class as known join home on home.oid = relnamespace
    where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  )
  select
    'schema' as kind, 'n' || oid as id, nspname::text as name, null::name as attribute,
    nspowner as owner, coalesce(nspacl, acldefault('n', nspowner)) as rights,
    acldefault('n', nspowner) as standard, true as is_lasting, '' as belongs_to
  from home
  union all
  select
    case relkind when 'S' then 'sequence' else 'table' end, 'c' || oid, full_name, null, relowner,
    coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)),
    acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner), not passes,
    belongs_to
  from relation
  union all
  select
    'column', 'c' || relation.oid, full_name, attname, relowner, attacl, null, not passes,
    belongs_to
  from pg_attribute join relation on relation.oid = attrelid
  where attacl is not null and not attisdropped
  union all
  select
    'function', 'p' || pg_proc.oid, pg_proc.oid::regprocedure::text, null, proowner,
    coalesce(proacl, acldefault('f', proowner)), acldefault('f', proowner), true, qualifier || proname
  from pg_proc join home on home.oid = pronamespace
`;

const RIGHTS = `
  select
    id, kind, name, attribute::text as "column", is_lasting as "isLasting",
    belongs_to as "belongsTo", belongs_to = 'push_configs' as "holdsSecrets",
    pg_get_userbyid(owner)::text as owner, pg_get_userbyid(grantor)::text as grantor,
    case when grantee <> 0 then pg_get_userbyid(grantee)::text end as grantee,
    lower(privilege_type) as privilege,
    grantee <> 0 and pg_has_role(grantee, owner, 'member') as "isOwners",
    pg_has_role(owner, 'usage') as "mayMend"
  from (${OBJECTS}) as thing
  cross join lateral aclexplode(rights) as granted
  where grantee <> owner
  order by kind, name collate "C", attribute, grantee, privilege`;

const OWNER_LACKS = `
  select
    id, kind, belongs_to as "belongsTo", pg_has_role(owner, 'usage') as "mayMend",
    case kind when 'table' then '' else kind || ' ' end || name as object,
    pg_get_userbyid(owner)::text as owner
  from (${OBJECTS}) as thing
  where not (select rolsuper from pg_roles where pg_roles.oid = owner) and exists (
    select from aclexplode(standard) as usual
    where usual.grantee = owner and not exists (
      select from aclexplode(rights) as granted
      where granted.grantee = owner and granted.privilege_type = usual.privilege_type
    )
  )
  order by kind, name collate "C"`;

const ROW_SECURITY = `
  select
    id, kind, belongs_to as "belongsTo", pg_has_role(owner, 'usage') as "mayMend", name as "table", relforcerowsecurity as "isForced",
    exists (select from pg_policy where polrelid = pg_class.oid) as "hasPolicies"
  from (${OBJECTS}) as thing
  join pg_class on 'c' || pg_class.oid = id
  where kind = 'table' and (relrowsecurity or relforcerowsecurity)
  order by name collate "C"`;

const DEFAULTS = `
  select
    pg_get_userbyid(defaclrole)::text as owner,
    case defaclobjtype
      when 'r' then 'table' when 'S' then 'sequence' when 'f' then 'function'
      when 'n' then 'schema' else ''
    end as kind,
    pg_get_userbyid(grantee)::text as grantee, array_agg(lower(privilege_type)) as gives
  from pg_default_acl
  cross join lateral aclexplode(defaclacl) as granted
  where
    defaclnamespace in (0, to_regnamespace($1)::oid) and grantee not in (0, defaclrole)
  group by defaclrole, defaclobjtype, grantee`;
