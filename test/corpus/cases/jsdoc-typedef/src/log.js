/** @typedef {import("p-retry").FailedAttemptError} Failed */

/** @param {Failed} error */
export function log(error) {
  console.warn(`attempt ${error.attemptNumber}: ${error.message}`);
}
