/**
 * Who may do what in the schema, compared with sql/privileges.snapshot.txt, which has a line for
 * each right of our roles. Default privileges of a platform, a restored dump or a person make the
 * difference. Reads catalogs alone, so anybody may look; names want the search path pg_catalog.
 */
import type { Database } from "../database.ts";
import { namesOf, quoted, type Roles, withRoles } from "../roles/role-names.ts";
import { compatSchema, readCompatState } from "../schema/compat.ts";
import { parseSchemaLines } from "../schema/snapshot.ts";
import {
  readFunctionBodies,
  readPrivilegesSnapshot,
  readSchemaSnapshot,
} from "../schema/sql-files.ts";
import {
  type Lack,
  type ObjectIdentity,
  type Right,
  type RowSecurity,
  readDefaults,
  readOwnerLacks,
  readRights,
  readRowSecurity,
} from "./catalog.ts";

/** Rights of one grantee on things of one kind. */
export type Grants = {
  /** As in a statement: `public`, or the role with quotes where it needs them. */
  readonly grantee: string;
  /** `insert, select`. */
  readonly privileges: string;
  /** `triaged.tasks`, `function triaged.now()`. */
  readonly objects: readonly string[];
  /** Takes them away. */
  readonly revoke: string;
  /** Whether this user may run it, as the owner or a member of that role. */
  readonly mayMend: boolean;
};

export type PrivilegeDifferences = {
  /** Grants that our roles lack, each as a statement. */
  readonly missing: readonly string[];
  /** Rights of our roles that no file grants. */
  readonly surplus: readonly Grants[];
  /** Rights of others that nobody needs, or that default privileges gave: `migrate` revokes them. */
  readonly unsafe: readonly Grants[];
  /** Rights of others that somebody may have granted on purpose. */
  readonly kept: readonly Grants[];
  /** Objects on which their owner lacks a right, which default privileges may take too. */
  readonly ownerLacks: readonly Lack[];
  readonly rowSecurity: readonly RowSecurity[];
};

/** The rights of our roles as lines of the snapshot: one a right, each a statement. */
export async function readPrivilegeLines(db: Database, roles: Roles): Promise<readonly string[]> {
  return linesOf(await readRights(db), roles);
}

/**
 * How the rights in the schema differ from those of sql/grants.sql, for these roles. All rights of
 * `former` roles count as unsafe.
 */
export async function comparePrivileges(
  db: Database,
  roles: Roles,
  { former = [] }: { former?: readonly Roles[] } = {},
): Promise<PrivilegeDifferences> {
  const isShipped = shippedNames(db.schema);
  const rights = (await readRights(db)).filter(isShipped);
  const wanted = await wantedLines(db, roles);
  const present = new Set(linesOf(rights, roles));
  const isOurs = oneOf(roles);
  const surplus = rights.filter(
    (right) =>
      isOurs(right) &&
      (right.isLasting ? !wanted.has(lineOf(right)) : right.privilege !== "select"),
  );
  const foreign = rights.filter((right) => !isOurs(right) && !right.isOwners);
  const isUnsafe = await judgeForeign(db, foreign, { wanted, former });
  return {
    missing: [...wanted].filter((line) => !present.has(line)),
    surplus: grantsOf(surplus),
    unsafe: grantsOf(foreign.filter(isUnsafe)),
    kept: grantsOf(foreign.filter((right) => !isUnsafe(right))),
    ...(await readAccess(db)),
  };
}

/** Whether the owner may use its things, and who sees which rows. */
export async function readAccess(
  db: Database,
): Promise<Pick<PrivilegeDifferences, "ownerLacks" | "rowSecurity">> {
  const isShipped = shippedNames(db.schema);
  return {
    ownerLacks: (await readOwnerLacks(db)).filter(isShipped),
    rowSecurity: (await readRowSecurity(db)).filter(isShipped),
  };
}

/**
 * Leave what came into the schema since `before` to its owner alone, whatever default privileges
 * and event triggers made of it. In the transaction that made it, nobody ever sees it otherwise.
 * A library's schema `keepsItsOwn`: what it leaves to everybody, and its row security.
 */
export async function closeNewObjects(
  db: Database,
  before: ReadonlySet<string>,
  { keepsItsOwn = false }: { keepsItsOwn?: boolean } = {},
): Promise<void> {
  const rights = (await readRights(db)).filter(
    ({ id, grantee }) => !before.has(id) && !(keepsItsOwn && grantee === null),
  );
  for (const { revoke } of grantsOf(rights)) {
    await db.query({ text: revoke });
  }
  for (const lack of (await readOwnerLacks(db)).filter(({ id }) => !before.has(id))) {
    await db.query({ text: givingBack(lack) });
  }
  for (const table of (await readRowSecurity(db)).filter(({ id }) => !before.has(id))) {
    // Policies on what was made just now are an event trigger's as well.
    const statement = keepsItsOwn
      ? showingRows({ ...table, hasPolicies: true })
      : withoutRowSecurity(table);
    await db.query({ text: statement ?? "select" });
  }
}

/** The statement that lets an owner do all again. */
export function givingBack({ object, owner }: Lack): string {
  return `grant all on ${object} to ${quoted(owner)}`;
}

/**
 * The statement that lets our functions see all rows, and readers too where nobody has said which
 * they may see; null where policies hide some from readers alone.
 */
export function showingRows(security: RowSecurity): string | null {
  if (!security.hasPolicies) {
    return withoutRowSecurity(security);
  }
  return security.isForced ? `alter table ${security.table} no force row level security` : null;
}

function withoutRowSecurity({ table }: RowSecurity): string {
  return `alter table ${table} no force row level security, disable row level security`;
}

/** Whether something is what this version makes: a schema may hold an application's tables too. */
function shippedNames(schema: string): (place: ObjectIdentity) => boolean {
  const tables = new Set(
    // `table.column type`, outside of the queue's schema with that.
    parseSchemaLines(readSchemaSnapshot(schema)).columns.map((line) => {
      const column = line.split(" ", 1)[0] ?? line;
      return column.slice(0, column.lastIndexOf("."));
    }),
  );
  const functions = new Set([
    ...readFunctionBodies(schema, "queue").keys(),
    ...[...readFunctionBodies(schema, "compat").keys()].map(
      (name) => `${compatSchema(schema)}.${name}`,
    ),
  ]);
  return ({ kind, belongsTo }) => {
    switch (kind) {
      case "schema":
        return true;
      case "function":
        return functions.has(belongsTo);
      default:
        return tables.has(belongsTo);
    }
  };
}

async function wantedLines(db: Database, roles: Roles): Promise<ReadonlySet<string>> {
  const lines = withRoles(readPrivilegesSnapshot(db.schema), roles).split("\n");
  // The queue works without the schema for its older clients.
  const hasCompat = (await readCompatState(db)) === "ours";
  const compat = compatSchema(db.schema);
  const isOfCompat = (line: string) =>
    line.includes(` ${compat}.`) || line.includes(` schema ${compat} `);
  return new Set(lines.filter((line) => line !== "" && (hasCompat || !isOfCompat(line))));
}

function linesOf(rights: readonly Right[], roles: Roles): string[] {
  const isOurs = oneOf(roles);
  return rights
    .filter((right) => right.isLasting && isOurs(right))
    .map(lineOf)
    .toSorted();
}

function lineOf(right: Right): string {
  return `${withoutGrantee(right)} to ${granteeOf(right)}`;
}

function withoutGrantee({ privilege, column, kind, name }: Right): string {
  const what = column === null ? privilege : `${privilege} (${column})`;
  return `grant ${what} on ${keyword(kind)}${name}`;
}

function keyword(kind: Right["kind"]): string {
  return kind === "table" || kind === "column" ? "" : `${kind} `;
}

function granteeOf({ grantee }: Right): string {
  return grantee === null ? "public" : quoted(grantee);
}

function oneOf(...roles: readonly Roles[]): (right: Right) => boolean {
  const names = new Set(roles.flatMap(namesOf));
  return ({ grantee }) => grantee !== null && names.has(grantee);
}

/**
 * Which rights of others go: all of everybody; what none of our roles has, but to read; anything
 * on secrets; and what default privileges in force would give again, unless they give reading
 * alone. The rest is somebody's purpose, as far as anybody can tell.
 */
async function judgeForeign(
  db: Database,
  foreign: readonly Right[],
  { wanted, former }: { wanted: ReadonlySet<string>; former: readonly Roles[] },
): Promise<(right: Right) => boolean> {
  // Without the grantee, since any of ours will do.
  const ours = new Set([...wanted].map((line) => line.slice(0, line.lastIndexOf(" to "))));
  const isFormer = oneOf(...former);
  const isByDefault = await isGivenByDefault(db);
  const isUnsafe = (right: Right) =>
    right.grantee === null ||
    isFormer(right) ||
    right.holdsSecrets ||
    !(right.privilege === "select" || ours.has(withoutGrantee(right))) ||
    (right.kind !== "schema" && isByDefault(right));
  const useful = new Set(
    foreign.filter((right) => right.kind !== "schema" && !isUnsafe(right)).map(granteeOf),
  );
  return (right) =>
    isUnsafe(right) ||
    (right.kind === "schema" && isByDefault(right) && !useful.has(granteeOf(right)));
}

/** Whether default privileges give this right on new objects, and not reading alone. */
async function isGivenByDefault(db: Database): Promise<(right: Right) => boolean> {
  const rows = await readDefaults(db);
  return ({ owner, kind, grantee, privilege }) =>
    rows.some(
      (row) =>
        row.owner === owner &&
        row.kind === (kind === "column" ? "table" : kind) &&
        row.grantee === grantee &&
        row.gives.includes(privilege) &&
        row.gives.some((given) => given !== "select"),
    );
}

/** One statement for each grantee, kind of object, and set of privileges. */
function grantsOf(rights: readonly Right[]): Grants[] {
  const onObject = Map.groupBy(rights, (right) =>
    JSON.stringify([right.grantee, right.owner === right.grantor ? null : right.grantor, right.id]),
  );
  const parts = [...onObject.values()].flatMap((all) => {
    const [first] = all;
    return first === undefined ? [] : [{ first, privileges: privilegesOf(all) }];
  });
  const alike = Map.groupBy(parts, ({ first, privileges }) =>
    JSON.stringify([
      first.grantee,
      first.owner === first.grantor ? null : first.grantor,
      keyword(first.kind),
      privileges,
      first.mayMend,
    ]),
  );
  return [...alike.values()].flatMap((group) => {
    const [part] = group;
    if (part === undefined) {
      return [];
    }
    const { first, privileges } = part;
    const names = group.map((one) => one.first.name);
    const from =
      first.owner === first.grantor
        ? `revoke ${privileges} on ${keyword(first.kind)}${names.join(", ")} from ${granteeOf(first)}`
        : // Only who granted a right may take it back, but the owner may take that from him.
          `revoke grant option for ${privileges} on ${keyword(first.kind)}${names.join(", ")} ` +
          `from ${quoted(first.grantor)}`;
    return [
      {
        grantee: granteeOf(first),
        privileges,
        objects: names.map((name) => `${keyword(first.kind)}${name}`),
        revoke: `${from} cascade`,
        mayMend: first.mayMend,
      },
    ];
  });
}

/** `insert, update (priority, status)`. */
function privilegesOf(rights: readonly Right[]): string {
  const byName = Map.groupBy(rights, ({ privilege }) => privilege);
  return [...byName]
    .flatMap(([privilege, all]) => {
      const columns = all.flatMap(({ column }) => (column === null ? [] : [quoted(column)]));
      return [
        ...(columns.length < all.length ? [privilege] : []),
        ...(columns.length > 0 ? [`${privilege} (${columns.toSorted().join(", ")})`] : []),
      ];
    })
    .toSorted()
    .join(", ");
}
