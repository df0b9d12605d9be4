import { clockProbe } from "./clock.ts";
import { connectionsProbe } from "./connections.ts";
import { driftProbe } from "./drift.ts";
import { environmentProbe } from "./environment.ts";
import { jobsProbe } from "./jobs.ts";
import { lanesProbe } from "./lanes.ts";
import { lockTableProbe } from "./lock-table.ts";
import { locksProbe } from "./locks.ts";
import { ownersProbe } from "./owners.ts";
import { partitionsProbe } from "./partitions.ts";
import { poolerProbe } from "./pooler.ts";
import { privilegesProbe } from "./privileges.ts";
import type { Probe } from "./probe.ts";
import { publicationsProbe } from "./publications.ts";
import { retentionProbe } from "./retention.ts";
import { serverProbe } from "./server.ts";
import { setbackProbe } from "./setback.ts";
import { settingsProbe } from "./settings.ts";
import { snapshotProbe } from "./snapshot.ts";
import { vacuumProbe } from "./vacuum.ts";
import { workersProbe } from "./workers.ts";

/** Every probe, in the order of the report: the server, the schema, then what runs. */
export const PROBES: readonly Probe[] = [
  environmentProbe,
  serverProbe,
  settingsProbe,
  connectionsProbe,
  poolerProbe,
  clockProbe,
  setbackProbe,
  ownersProbe,
  privilegesProbe,
  driftProbe,
  vacuumProbe,
  snapshotProbe,
  publicationsProbe,
  locksProbe,
  partitionsProbe,
  lockTableProbe,
  retentionProbe,
  jobsProbe,
  workersProbe,
  lanesProbe,
];
