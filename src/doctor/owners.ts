import { compatSchema } from "../postgres/compat-schema.ts";
import { readRoles } from "../postgres/roles.ts";
import { adviceAgainstStrangers, readRoleHolders, readStrangers } from "../postgres/strangers.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

/** Whether others have something in the schema of the queue, or decide on its roles. */
export const ownersProbe: Probe = {
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

function judgeStrangers(schema: string, strangers: readonly string[]): Finding[] {
  return strangers.map((finding) =>
    error(
      "owners",
      `schema ${schema} is not ours alone: ${finding}`,
      adviceAgainstStrangers(schema),
    ),
  );
}

export function judgeOwners(
  schema: string,
  { strangers, holders }: { strangers: readonly string[]; holders: readonly string[] },
): Finding[] {
  const findings = [
    ...judgeStrangers(schema, strangers),
    ...holders.map((finding) =>
      warning("owners", finding, "see that only administrators decide on these roles"),
    ),
  ];
  return findings.length > 0 ? findings : [ok("owners", "the schema and the roles are ours alone")];
}
