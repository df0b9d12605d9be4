/**
 * The three roles of a queue. Roles belong to the whole server, so their names carry schema and
 * database: a login that is granted one of them enters no other queue. Which names a queue has is
 * read from its grants, so it survives a rename of the database and needs no state of its own.
 */
import { hash } from "node:crypto";
import { escapeIdentifier } from "pg";

export const ROLE_KINDS = ["owner", "api", "readonly"] as const;
export type RoleKind = (typeof ROLE_KINDS)[number];
/** The name of each, with what all three begin with. */
export type Roles = { readonly prefix: string } & { readonly [Kind in RoleKind]: string };

/** Written in sql/, and the names of queues that were made before there were others. */
export const PREFIX_IN_FILES = "triaged";
const NAME_LENGTH_MAX = 63;
const SUFFIX_LENGTH_MAX = "_readonly".length;
const PREFIX_LENGTH_MAX = NAME_LENGTH_MAX - SUFFIX_LENGTH_MAX;
const HASH_LENGTH = 8;

export function rolesOf(prefix: string): Roles {
  return {
    prefix,
    owner: `${prefix}_owner`,
    api: `${prefix}_api`,
    readonly: `${prefix}_readonly`,
  };
}

export function namesOf(roles: Roles): readonly string[] {
  return ROLE_KINDS.map((kind) => roles[kind]);
}

/** Put the names of a queue's roles in the place of those that stand in sql/. */
export function withRoles(text: string, roles: Roles): string {
  return text.replaceAll(/\btriaged_(owner|api|readonly)\b/g, (_, kind: string) =>
    quoted(`${roles.prefix}_${kind}`),
  );
}

/** As the server prints it, where it needs quotes. */
export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : escapeIdentifier(name);
}

/**
 * `schema_database` in letters that need no quotes. Two queues never have the same: a hash stands
 * behind what was cut or written otherwise, and where the schema's end could be another one.
 */
export function defaultPrefix(schema: string, database: string): string {
  const plain = database.toLowerCase().replaceAll(/[^a-z0-9_]/g, "_");
  const prefix = `${schema}_${plain}`;
  return plain === database && !schema.includes("_") && prefix.length <= PREFIX_LENGTH_MAX
    ? prefix
    : withHash(prefix, `${schema}.${database}`);
}

export function withHash(prefix: string, of: string): string {
  const suffix = hash("sha256", of).slice(0, HASH_LENGTH);
  return `${prefix.slice(0, PREFIX_LENGTH_MAX - HASH_LENGTH - 1)}_${suffix}`;
}
