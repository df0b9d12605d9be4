import { inScratch } from "../../src/database/transaction.ts";
import type { DoctorFinding } from "../../src/doctor/probe.ts";
import { type DoctorProbe, type ProbeContext, runProbe } from "../../src/doctor/probe.ts";
import { type Config, readConfig } from "../../src/settings/config.ts";
import { parseDatabaseUrl } from "../../src/settings/database-url.ts";
import { ROLE_PREFIX, withPool } from "./databases.ts";
import { JOBS } from "./jobs.ts";

type Given = {
  readonly pool?: Partial<Config["pool"]>;
  readonly directUrl?: string;
  readonly schema?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly rolePrefix?: string | null;
  readonly clock?: ProbeContext["clock"];
};

/** What one probe of `triaged doctor` finds in a database. */
export async function findingsOf(
  url: string,
  probe: DoctorProbe,
  {
    pool: poolChanges,
    directUrl,
    schema = "triaged",
    environment = {},
    rolePrefix = ROLE_PREFIX,
    clock = Date.now,
  }: Given = {},
): Promise<readonly DoctorFinding[]> {
  const config = readConfig({ DATABASE_URL: url, ...environment });
  return await withPool(url, (pool) =>
    runProbe(probe, (ask) => inScratch(pool, schema, ask), {
      config: {
        ...config,
        schema,
        rolePrefix,
        pool: { ...config.pool, ...poolChanges },
        directConnection: directUrl === undefined ? null : parseDatabaseUrl(directUrl),
      },
      database: parseDatabaseUrl(url),
      jobs: JOBS,
      clock,
    }),
  );
}
