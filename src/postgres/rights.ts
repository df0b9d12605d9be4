/** Who may do what in the schema, and what sql/grants.sql would change of it. */
import type { Database } from "./database.ts";
import { readGrants, readRevokes } from "./migration-files.ts";

/** Rights that the files of sql/ give and the database has not, and the opposite. */
export type RightsDrift = {
  readonly missing: readonly string[];
  readonly extra: readonly string[];
};

/**
 * Set the rights as the files say, and return what that changed. Wants a transaction, and the
 * owner of the schema; whoever wants to know, and no more, rolls back. The files are the only
 * list: a second one would have to follow them.
 */
export async function applyRights(db: Database): Promise<RightsDrift> {
  const before = await readRights(db);
  await db.query({ text: readRevokes(db.schema) });
  await db.query({ text: readGrants(db.schema, "queue") });
  const after = await readRights(db);
  return {
    missing: [...after].filter((right) => !before.has(right)),
    extra: [...before].filter((right) => !after.has(right)),
  };
}

export function hasDrifted({ missing, extra }: RightsDrift): boolean {
  return missing.length + extra.length > 0;
}

async function readRights(db: Database): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ line: string }>({ text: RIGHTS, values: [db.schema] });
  return new Set(rows.map(({ line }) => line).toSorted());
}

/** Of partitions but the default ones nobody asks by name, and those to come get no rights. */
const RIGHTS = `
  with objects (name, owner_id, acl) as (
    select 'schema ' || nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner))
    from pg_namespace where nspname = $1
    union all
    select relname, relowner,
      coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))
    from pg_class
    where relnamespace = $1::regnamespace and relkind in ('r', 'p', 'v', 'S')
      and (not relispartition or relname in ('final_tasks_default', 'task_history_default'))
      and relname not in ('final_tasks_rewrite', 'task_history_rewrite')
    union all
    select relname || '.' || attname, relowner, attacl
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = $1::regnamespace and relkind in ('r', 'p', 'v') and not relispartition
      and attacl is not null and attnum > 0 and not attisdropped
    union all
    select proname || '()', proowner, coalesce(proacl, acldefault('f', proowner))
    from pg_proc where pronamespace = $1::regnamespace
  )
  select format('%s on %s to %s', lower(granted.privilege_type collate "C"), objects.name,
    case granted.grantee when 0 then 'everybody' else granted.grantee::regrole::text end)
    as line
  from objects cross join lateral aclexplode(objects.acl) as granted
  where granted.grantee <> objects.owner_id`;
