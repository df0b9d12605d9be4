import { type Config, readConfig } from "../../src/config.ts";
import { parseDatabaseUrl } from "../../src/database-url.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { type Probe, type ProbeContext, runProbe } from "../../src/doctor/probe.ts";
import { inScratch } from "../../src/postgres/in-scratch.ts";
import { ROLE_PREFIX } from "./migrate.ts";
import { withPool } from "./with-pool.ts";

type Given = {
  readonly pool?: Partial<Config["pool"]>;
  readonly directUrl?: string;
  readonly schema?: string;
  readonly rolePrefix?: string | null;
  readonly clock?: ProbeContext["clock"];
};

/** What one probe of `triaged doctor` finds in a database. */
export async function look(
  url: string,
  probe: Probe,
  {
    pool: poolChanges,
    directUrl,
    schema = "triaged",
    rolePrefix = ROLE_PREFIX,
    clock = Date.now,
  }: Given = {},
): Promise<readonly Finding[]> {
  const config = readConfig({ DATABASE_URL: url });
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
      clock,
    }),
  );
}
