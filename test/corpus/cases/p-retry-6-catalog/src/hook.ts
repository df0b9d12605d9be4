import type { FailedAttemptError } from "p-retry";

export const left = (error: FailedAttemptError): number => error.retriesLeft;
