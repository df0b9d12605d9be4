import type { RowSecurity } from "../database/privileges/catalog.ts";
import {
  comparePrivileges,
  type Grants,
  givingBack,
  type PrivilegeDifferences,
  showingRows,
} from "../database/privileges/compare.ts";
import { describeGrants, listed } from "../database/privileges/settle.ts";
import { namesOf, rolesOf } from "../database/roles/role-names.ts";
import { freePrefix, readRoles, readSharing } from "../database/roles/roles.ts";
import {
  adviceAgainstStrangers,
  readRoleHolders,
  readStrangers,
} from "../database/roles/strangers.ts";
import { compatSchema } from "../database/schema/compat.ts";
import { type DoctorFinding, type DoctorProbe, error, ok, warning } from "./probe.ts";

const MIGRATE = "run `triaged migrate`";

/** Whether our roles are there and this queue's own, and have their rights, and nobody others. */
export const privilegesProbe: DoctorProbe = {
  subject: "grants",
  async look({ db, config }) {
    const chosen = config.rolePrefix;
    const inUse = await readRoles(db);
    const roles = inUse ?? rolesOf(chosen ?? (await freePrefix(db)));
    const differences = await comparePrivileges(db, roles);
    if (inUse === null) {
      return [
        warning(
          "roles",
          "there are none with rights here: nobody but the owner can use the queue",
          `${MIGRATE}, which makes ${namesOf(roles).join(", ")} or says who can`,
        ),
        ...judgePrivileges(db.schema, { ...differences, missing: [] }),
      ];
    }
    const sharing = await readSharing(db, { roles, chosen });
    return [
      chosen !== null && chosen !== inUse.prefix
        ? warning(
            "roles",
            `${namesOf(inUse).join(", ")}, but TRIAGED_ROLE_PREFIX is ${chosen}`,
            `${MIGRATE} to move to those, or correct the setting`,
          )
        : sharing === null
          ? ok("roles", namesOf(roles).join(", "))
          : warning("roles", sharing.found, sharing.advice),
      ...judgePrivileges(db.schema, differences),
    ];
  },
};

function judgePrivileges(schema: string, differences: PrivilegeDifferences): DoctorFinding[] {
  const { missing, surplus, unsafe, kept, ownerLacks, rowSecurity } = differences;
  const findings = [
    ...(missing.length > 0
      ? [error("grants", `our roles lack rights: ${listed(missing)}`, MIGRATE)]
      : []),
    ...surplus.map((grants) => found(error, schema, grants)),
    ...unsafe.map((grants) => found(error, schema, grants)),
    ...kept.map((grants) => found(warning, schema, grants)),
    ...ownerLacks.map((lack) =>
      error(
        "grants",
        `${lack.owner} owns ${lack.object} and may not use it, nor may functions`,
        givingBack(lack),
      ),
    ),
    ...rowSecurity.map(judgeRowSecurity),
  ];
  return findings.length > 0 ? findings : [ok("grants", "our roles have theirs, nobody else any")];
}

function found(judge: typeof error, schema: string, grants: Grants): DoctorFinding {
  return judge(
    "grants",
    `not ours: ${describeGrants(grants)}`,
    judge === error
      ? revoking(schema, grants)
      : `if nobody granted that on purpose: ${revoking(schema, grants)}`,
  );
}

function revoking(schema: string, { grantee, privileges, objects, revoke }: Grants): string {
  const [first = ""] = objects;
  const kind = /^(function|sequence) /.exec(first)?.[1] ?? "table";
  return objects.length <= STATEMENT_OBJECTS_MAX || !revoke.startsWith(`revoke ${privileges} on `)
    ? revoke
    : `revoke ${privileges} on all ${kind}s in schema ${schema} from ${grantee} cascade`;
}

/** More would be many lines, and are all of their kind as a rule. */
const STATEMENT_OBJECTS_MAX = 10;

function judgeRowSecurity(security: RowSecurity): DoctorFinding {
  const { table, isForced } = security;
  const statement = showingRows(security);
  if (statement === null) {
    return warning(
      "row security",
      `policies of ${table} hide its rows from who is not its owner, …_readonly among them`,
      `alter table ${table} disable row level security, unless that is meant`,
    );
  }
  return error(
    "row security",
    isForced
      ? `it is forced on ${table}: functions of the queue may find no rows in it`
      : `it hides all rows of ${table} from who is not its owner: a full queue looks empty`,
    statement,
  );
}

/** Whether others have something in the schema of the queue, or decide on its roles. */
export const ownersProbe: DoctorProbe = {
  subject: "owners",
  async look({ db }) {
    const { schema } = db;
    const roles = await readRoles(db);
    const findings = judgeOwners(schema, {
      strangers: await readStrangers(db, { schema, trustsQueueOwner: true }),
      holders: roles === null ? [] : await readRoleHolders(db, roles),
    });
    const compat = compatSchema(schema);
    return compat === null
      ? findings
      : [
          ...findings,
          ...judgeStrangers(
            compat,
            await readStrangers(db, { schema: compat, trustsQueueOwner: true }),
          ),
        ];
  },
};

function judgeStrangers(schema: string, strangers: readonly string[]): DoctorFinding[] {
  return strangers.map((finding) =>
    error(
      "owners",
      `schema ${schema} is not ours alone: ${finding}`,
      adviceAgainstStrangers(schema),
    ),
  );
}

function judgeOwners(
  schema: string,
  { strangers, holders }: { strangers: readonly string[]; holders: readonly string[] },
): DoctorFinding[] {
  const findings = [
    ...judgeStrangers(schema, strangers),
    ...holders.map((finding) =>
      warning("owners", finding, "see that only administrators decide on these roles"),
    ),
  ];
  return findings.length > 0 ? findings : [ok("owners", "the schema and the roles are ours alone")];
}
