/** The meaning of a statement's error: whether it passes by itself, and whose fault it is. */
import { DatabaseError } from "pg";

/** A standby, or a primary whose writes somebody has frozen. */
export const READ_ONLY = "25006";
export const READ_ONLY_HINT =
  "name the primary, not a standby, in DATABASE_URL; if it is the primary, writes are frozen: " +
  "alter database (or role) … reset default_transaction_read_only";

/** Errors after which the same statement may succeed, on this connection or the next. */
const TRANSIENT_STATES = new Set([
  READ_ONLY, // a standby that is being promoted, the old primary, or writes that are frozen
  "25P03", // idle_in_transaction_session_timeout
  "25P04", // transaction_timeout
  "40001", // serialization failure
  "40003", // the server does not know whether it was made
  "40P01", // deadlock
  "53000", // insufficient resources
  "53100", // disk full
  "53200", // out of memory
  "53300", // too many connections
  "55P03", // lock not available
  "57014", // cancelled, by a person or by statement_timeout
  "57P01", // terminated by an administrator
  "57P02", // the server crashed
  "57P03", // the server starts or stops
  "57P05", // idle_session_timeout
  "58030", // input/output error
  "58P01", // the server's files vanish under it while it stops
]);

const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
]);

/** Messages of the driver, which have no code, for a connection that is lost or refused. */
const LOST =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|connection timeout|connection ended|timeout expired|query read timeout/i;

/** The SQLSTATE or the network code of an error, or null. */
export function codeOf(err: unknown): string | null {
  return err instanceof Error && "code" in err && typeof err.code === "string" ? err.code : null;
}

/** Whether the driver says that the connection is lost, or gives no answer any more. */
export function isLost(err: unknown): boolean {
  return codeOf(err) === null && err instanceof Error && LOST.test(err.message);
}

/** Whether the trouble may pass by itself: a lost connection, a restart, a deadlock. */
export function isTransient(err: unknown): boolean {
  const code = codeOf(err);
  if (code === null) {
    if (err instanceof AggregateError) {
      return err.errors.some(isTransient);
    }
    return isLost(err);
  }
  return (
    TRANSIENT_STATES.has(code) ||
    NETWORK_CODES.has(code) ||
    code.startsWith("08") ||
    isPartitionMade(err)
  );
}

/** Of the errors that may pass, those of a server that is well and refuses this one statement. */
const OF_STATEMENT = new Set(["40001", "40P01", "53200", "55P03", "57014"]);

/** Whether a transient error may be the statement's own: that of a smaller one may succeed. */
export function isOfStatement(err: unknown): boolean {
  return OF_STATEMENT.has(codeOf(err) ?? "") || isPartitionMade(err);
}

/** Whether a server that is well has refused a statement: nothing of its transaction was made. */
export function isSureUndone(err: unknown): boolean {
  return err instanceof DatabaseError && (isOfStatement(err) || !isTransient(err));
}

/**
 * Whether a partition for the row was made while its statement waited to put it into the default
 * one: a check violation that names no constraint. The same statement finds the partition.
 */
export function isPartitionMade(err: unknown): err is Error {
  return (
    codeOf(err) === "23514" &&
    err instanceof Error &&
    !("constraint" in err && typeof err.constraint === "string")
  );
}

/** A lock was not to be had within lock_timeout. */
export const LOCK_NOT_AVAILABLE = "55P03";

/** What sql/functions/shared/locks.sql says of its error. */
const KEPT_LOCK = "An advisory lock of the queue";

/** Whether a session kept an advisory lock of ours for longer than any of ours does. */
export function isKeptLock(err: unknown): err is DatabaseError {
  return err instanceof DatabaseError && err.detail?.startsWith(KEPT_LOCK) === true;
}
