import type { Client } from "pg";
import { migrateSchema } from "../../src/database/migrate/migrate.ts";
import { found } from "./db.ts";
import { test as base } from "./owned-database.ts";
import { outcomeOf, query, settle, startTask } from "./tasks.ts";

/** What roles that are neither the owner nor ours may do, by object. */
const OTHERS = `
  select kind, name, coalesce(role.rolname, 'public')::text as grantee, privilege
  from (
    select 'function', oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)), proowner
    from pg_proc where pronamespace = 'triaged'::regnamespace
    union all
    select 'relation', relname::text, relacl, relowner from pg_class
    where relnamespace = 'triaged'::regnamespace
    union all
    select 'column', attrelid::regclass || '.' || attname, attacl, relowner
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'triaged'::regnamespace and attacl is not null
    union all
    select 'schema', nspname::text, nspacl, nspowner from pg_namespace where nspname = 'triaged'
  ) as object (kind, name, rights, owner)
  cross join lateral aclexplode(rights) as granted (grantor, grantee, privilege, is_grantable)
  left join pg_roles as role on role.oid = grantee
  where grantee <> owner and (role.rolname is null or role.rolname !~ '^triaged_db')
  order by kind, name, grantee, privilege`;

/** Tables whose rows somebody may not see, and what their owner may not do. */
export const HIDDEN = `
  select relname::text from pg_class
  where relnamespace = 'triaged'::regnamespace and (relrowsecurity or relforcerowsecurity)
  order by relname`;

export type Platform = {
  readonly url: string;
  readonly administratorUrl: string;
  /** As the owner of the queue, and as a superuser, in its database. */
  readonly owner: Client;
  readonly administrator: Client;
  /** Run statements in which $anon, $metabase and $owner are roles. */
  readonly arrange: (statements: string, as?: "owner" | "administrator") => Promise<void>;
  readonly name: (role: string) => string;
  /** Migrate, as production does; resolves to the warnings. */
  readonly migrate: () => Promise<string[]>;
  readonly others: () => Promise<unknown[]>;
};

export const test = base.extend<{ platform: Platform }>({
  platform: async ({ makeOwned, makeLogin, connect }, use) => {
    const { url, administratorUrl, owner } = await makeOwned();
    const roles: Record<string, string> = {
      $owner: owner,
      $anon: await makeLogin("anon"),
      $metabase: await makeLogin("metabase"),
    };
    const name = (role: string) => found(roles[`$${role}`]);
    const [asOwner, administrator] = [await connect(url), await connect(administratorUrl)];
    await use({
      url,
      administratorUrl,
      owner: asOwner,
      administrator,
      name,
      arrange: async (statements, as = "owner") => {
        const text = statements.replaceAll(/\$(?:owner|anon|metabase)\b/g, (role) =>
          found(roles[role]),
        );
        await (as === "owner" ? asOwner : administrator).query(text);
      },
      migrate: async () => {
        const warnings: string[] = [];
        await migrateSchema(
          { connectionString: url },
          { onWarning: (warning) => warnings.push(warning) },
        );
        return warnings;
      },
      others: async () => await query(administrator, OTHERS),
    });
  },
});

export const EVERYTHING = ["tables", "sequences", "functions"];
export const all = (where: string) =>
  EVERYTHING.map((kind) => `alter default privileges ${where} grant all on ${kind} to $anon`).join(
    "; ",
  );

/** A task that has finished, and so rows in both partitioned tables. */
export async function finishTask(db: Client): Promise<void> {
  const task = await startTask(db);
  await settle(db, [outcomeOf(task, "finish")]);
}

/** `select on tasks, update (priority) on tasks`, of one role. */
export async function rightsOf(administrator: Client, role: string): Promise<string[]> {
  const rows = await query<{ name: string; grantee: string; privilege: string }>(
    administrator,
    OTHERS,
  );
  return rows
    .filter(({ grantee }) => grantee === role)
    .map(
      ({ name, privilege }) =>
        `${privilege.toLowerCase()} ${name.replace(/^triaged\./, "").replace(/\(.*/, "")}`,
    );
}
