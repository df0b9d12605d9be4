import { effectsProbe, tellingProbe } from "./effects.ts";
import { jobsProbe } from "./jobs.ts";
import { partitionsProbe, retentionProbe } from "./partitions.ts";
import { ownersProbe, privilegesProbe } from "./privileges.ts";
import type { DoctorProbe } from "./probe.ts";
import { driftProbe, publicationsProbe } from "./schema.ts";
import {
  archiveProbe,
  clockProbe,
  environmentProbe,
  rightsProbe,
  serverProbe,
  setbackProbe,
  settingsProbe,
} from "./server.ts";
import { connectionsProbe, locksProbe, lockTableProbe, poolerProbe } from "./sessions.ts";
import { snapshotProbe, vacuumProbe } from "./vacuum.ts";
import { lanesProbe, workersProbe } from "./workers.ts";

/** Every probe, in the order of the report: the server, the schema, then what runs. */
export const PROBES: readonly DoctorProbe[] = [
  environmentProbe,
  serverProbe,
  rightsProbe,
  settingsProbe,
  connectionsProbe,
  poolerProbe,
  clockProbe,
  setbackProbe,
  archiveProbe,
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
  effectsProbe,
  tellingProbe,
  workersProbe,
  lanesProbe,
];
