/** How `triaged migrate` puts rights in order, and how it tells of it. */
import type { Database } from "../database.ts";
import { namesOf, quoted, type Roles } from "../roles/role-names.ts";
import {
  adviceToMake,
  readMembers,
  readRoleFacts,
  readSharing,
  type SettledRoles,
  settleRoles,
} from "../roles/roles.ts";
import { readRoleHolders } from "../roles/strangers.ts";
import { readCompatState } from "../schema/compat.ts";
import { readGrants } from "../schema/sql-files.ts";
import { comparePrivileges, type Grants, givingBack, readAccess, showingRows } from "./compare.ts";

/** Names in one line, at most. */
const NAMES_MAX = 5;

export type SettledPrivileges = SettledRoles & {
  /** Whether our roles had other rights before. */
  readonly isGranted: boolean;
  /** The rights that were taken from others, a sentence each. */
  readonly told: readonly string[];
};

/** Compare what is there with what ought to be, and mend it. Wants a transaction. */
export async function settlePrivileges(
  db: Database,
  { prefix }: { prefix: string | null },
): Promise<SettledPrivileges> {
  const settled = await settleRoles(db, { prefix });
  const { roles, missing } = settled;
  // Where the new ones cannot be made, those in use keep their rights.
  const former = missing.length > 0 ? [] : settled.former;
  const inForce = missing.length > 0 ? (settled.former[0] ?? roles) : roles;
  const before = await comparePrivileges(db, inForce, { former });
  const isGranted =
    missing.length === 0 && (before.missing.length > 0 || before.surplus.length > 0);
  if (isGranted) {
    await db.query({ text: readGrants(db.schema, "queue", roles) });
    if ((await readCompatState(db)) === "ours") {
      await db.query({ text: readGrants(db.schema, "compat", roles) });
    }
  }
  const revoked = before.unsafe.filter(({ mayMend }) => mayMend);
  for (const { revoke } of revoked) {
    await db.query({ text: revoke });
  }
  const formerNames = new Set(former.flatMap(namesOf).map(quoted));
  return {
    ...settled,
    isGranted,
    told: revoked
      .filter(({ grantee }) => !formerNames.has(grantee))
      .map((grants) => `revoked what nobody needs: ${describeGrants(grants)}`),
  };
}

/**
 * What keeps the owner, with whose rights our functions run, from rows of its own tables, or
 * readers from any: each as a sentence, with the statement that ends it.
 */
export async function readObstacles(
  db: Database,
  table?: string,
): Promise<readonly { readonly said: string; readonly statement: string }[]> {
  const { ownerLacks, rowSecurity } = await readAccess(db);
  const obstacles = [
    ...ownerLacks.map((lack) => ({
      ...lack,
      said: `gave ${lack.owner} its rights on ${lack.object} back`,
      statement: givingBack(lack),
    })),
    ...rowSecurity.flatMap((security) => {
      const statement = showingRows(security);
      return statement === null
        ? []
        : [
            {
              ...security,
              said: `row security hid rows: ${statement}`,
              statement,
            },
          ];
    }),
  ];
  return obstacles.filter(
    ({ kind, belongsTo, mayMend }) =>
      mayMend && (table === undefined || belongsTo === table || kind === "schema"),
  );
}

/** `insert, update on triaged.tasks of anon`. */
export function describeGrants({ grantee, privileges, objects }: Grants): string {
  return `${privileges} on ${listed(objects)} of ${grantee}`;
}

export function listed(names: readonly string[]): string {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  return names.slice(0, NAMES_MAX).join(", ") + more;
}

/** Warnings about the roles for the user who migrates, and whether this user may grant them. */
export async function tellOfRoles(
  db: Database,
  { roles, missing, former, wereThere }: SettledRoles,
  { chosen, isGranted }: { chosen: string | null; isGranted: boolean },
): Promise<{ readonly mayGrant: boolean; readonly told: readonly string[] }> {
  const { user, mayGrant } = await readRoleFacts(db, roles);
  if (missing.length > 0) {
    return {
      mayGrant: false,
      told: [
        `roles ${missing.join(", ")} cannot be made: ${user} has no CREATEROLE. An administrator ` +
          `runs: ${adviceToMake({ roles, missing, owner: user })} Then run \`triaged migrate\` again`,
      ],
    };
  }
  const told: string[] = [];
  for (const old of former) {
    told.push(await tellOfMove(db, old, roles));
  }
  if (isGranted) {
    told.push(...(await readRoleHolders(db, roles)));
  }
  if (isGranted && wereThere && chosen === null) {
    told.push(...(await tellOfMembers(db, roles)));
  }
  const sharing = await readSharing(db, { roles, chosen });
  if (sharing !== null) {
    told.push(`${sharing.found}. ${sharing.advice}`);
  }
  return { mayGrant, told };
}

async function tellOfMove(db: Database, old: Roles, roles: Roles): Promise<string> {
  const members = await readMembers(db, old);
  const grants = members.map(({ kind, name }) => `grant ${roles[kind]} to ${quoted(name)};`);
  return (
    `${namesOf(roles).join(", ")} have the rights that ${namesOf(old).join(", ")} had here` +
    (grants.length === 0 ? "" : `. Who was granted those needs: ${grants.join(" ")}`)
  );
}

async function tellOfMembers(db: Database, roles: Roles): Promise<string[]> {
  const members = await readMembers(db, roles);
  return members.length === 0
    ? []
    : [
        "roles were there before this queue, and whoever has been granted one may use it: " +
          members.map(({ kind, name }) => `${name} (${roles[kind]})`).join(", "),
      ];
}
