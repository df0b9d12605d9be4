import { DatabaseError } from "pg";
import { describe, expect, test } from "vitest";
import { isTransient } from "../../../src/database/sqlstate.ts";

function refusedWith(code: string): DatabaseError {
  const err = new DatabaseError("what the server says", 0, "error");
  err.code = code;
  return err;
}

describe("is tried again", () => {
  test.for([
    ["08000", "connection exception"],
    ["08003", "the connection does not exist"],
    ["08006", "the connection failed"],
    ["08P01", "protocol violation: what poolers say of a server that they lost"],
    ["25006", "read-only: a standby"],
    ["25P03", "idle_in_transaction_session_timeout"],
    ["25P04", "transaction_timeout"],
    ["40001", "serialization failure"],
    ["40003", "whether the statement was made is unknown"],
    ["40P01", "deadlock"],
    ["53000", "insufficient resources"],
    ["53100", "disk full"],
    ["53200", "out of memory"],
    ["53300", "too many connections"],
    ["55P03", "lock_timeout"],
    ["57014", "statement_timeout, or cancelled by a person"],
    ["57P01", "terminated by an administrator"],
    ["57P02", "another server process crashed"],
    ["57P03", "the server starts, stops or recovers"],
    ["57P05", "idle_session_timeout"],
    ["58030", "input/output error"],
  ] as const)("%s, %s", ([code]) => {
    expect(isTransient(refusedWith(code))).toBe(true);
  });

  test.for([
    ["ECONNREFUSED"],
    ["ECONNRESET"],
    ["EPIPE"],
    ["ETIMEDOUT"],
    ["EHOSTUNREACH"],
    ["ENETUNREACH"],
    ["EAI_AGAIN"],
  ] as const)("the socket's %s", ([code]) => {
    expect(isTransient(Object.assign(new Error(code), { code }))).toBe(true);
  });

  test.for([
    ["Connection terminated unexpectedly"],
    ["Connection terminated due to connection timeout"],
    ["timeout exceeded when trying to connect"],
    ["timeout expired"],
    ["Query read timeout"],
    ["Client has encountered a connection error and is not queryable"],
  ] as const)("the driver's %j", ([message]) => {
    expect(isTransient(new Error(message))).toBe(true);
  });

  test("of several hosts, one that may come back", () => {
    expect(isTransient(new AggregateError([refusedWith("57P03")], "no server"))).toBe(true);
  });

  test("23514 without a constraint: a partition was made for the row meanwhile", () => {
    expect(isTransient(refusedWith("23514"))).toBe(true);
  });
});

describe("is told, because waiting does not mend it", () => {
  test.for([
    ["22P02", "a value of the wrong form"],
    ["23505", "a key that is taken"],
    ["28P01", "a wrong password"],
    ["3D000", "no such database"],
    ["3F000", "no such schema"],
    ["42501", "no right"],
    ["42883", "no such function"],
    ["42P01", "no such table"],
    ["54000", "a limit of the program"],
    ["57P04", "the database was dropped"],
    ["TR002", "an illegal transition"],
    ["XX000", "an internal error"],
  ] as const)("%s, %s", ([code]) => {
    expect(isTransient(refusedWith(code))).toBe(false);
  });

  test("23514, a check that does not hold", () => {
    const refused = Object.assign(refusedWith("23514"), { constraint: "tasks_status_known" });

    expect(isTransient(refused)).toBe(false);
  });

  test("an error that is none of the database", () => {
    expect(isTransient(new TypeError("undefined is not a function"))).toBe(false);
    expect(isTransient("timeout expired")).toBe(false);
    expect(isTransient(new AggregateError([refusedWith("28P01")], "no server"))).toBe(false);
  });
});
