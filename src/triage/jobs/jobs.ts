import type { MaintenanceJob } from "../../index.ts";
import { gatherDigestJob } from "./digest-job.ts";
import { expireVerdictsJob } from "./expire-verdicts.ts";

/** The maintenance jobs of triage, in the order in which `triaged jobs --once` runs them. */
export const TRIAGE_JOBS: readonly MaintenanceJob[] = [expireVerdictsJob, gatherDigestJob];
