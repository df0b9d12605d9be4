import pRetry from "p-retry";
import { logProblem } from "./log.js";

export const runJob = (job: () => Promise<void>): Promise<void> =>
  pRetry(job, { retries: 2, onFailedAttempt: logProblem });
