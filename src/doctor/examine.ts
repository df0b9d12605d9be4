/** All of the doctor's looks, one after the other. */
import { withSchema } from "../database/database.ts";
import { readSchemaState } from "../database/schema/state.ts";
import { privilegesProbe } from "./privileges.ts";
import { type DoctorFinding, type ProbeContext, runProbe } from "./probe.ts";
import { PROBES } from "./probes.ts";
import { driftProbe, judgeSchema } from "./schema.ts";

/** What an examination works with. */
export type Examination = Omit<ProbeContext, "db"> & {
  /** Does a look in a transaction that changes nothing, with short timeouts. */
  readonly look: <Result>(ask: (db: ProbeContext["db"]) => Promise<Result>) => Promise<Result>;
};

/**
 * Every finding, in the order of the report. `isForReaders`: without what tells of the login, or
 * needs more rights than the role that reads. Rejects where the database does not answer at all.
 */
export async function examine(
  { look, ...context }: Examination,
  { isForReaders = false }: { readonly isForReaders?: boolean } = {},
): Promise<DoctorFinding[]> {
  const schema = judgeSchema(await look(readSchemaState));
  const findings = [schema];
  const probes = schema.level === "error" ? [] : PROBES;
  for (const probe of probes.filter(({ isOfLogin = false }) => !isForReaders || !isOfLogin)) {
    // Functions of another version are no drift, and `triaged migrate` is all they need.
    if ((probe !== driftProbe && probe !== privilegesProbe) || schema.level === "ok") {
      findings.push(...(await runProbe(probe, look, context)));
    }
  }
  return findings.map((finding) => ({
    ...finding,
    advice: finding.advice && withSchema(finding.advice, context.config.schema),
  }));
}
