import type { FailedAttemptError } from "./lib/index.js";

export const log = (error: FailedAttemptError): void => console.warn(error.retriesLeft);
