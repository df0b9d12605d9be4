import { expect, test } from "vitest";
import { explainError, UsageError } from "../../../../src/cli/terminal/errors.ts";
import { EnvironmentError } from "../../../../src/model/errors.ts";
import { PayloadError } from "../../../../src/model/payload.ts";

function failure(code: string, message = "what the server says"): Error {
  return Object.assign(new Error(message), { code });
}

const refused = Object.assign(
  new AggregateError([failure("ECONNREFUSED", "connect ECONNREFUSED ::1:5432")], ""),
  { code: "ECONNREFUSED" },
);

test.for([
  [refused, 75, "the database cannot be reached: connect ECONNREFUSED ::1:5432"],
  [failure("ENOTFOUND"), 75, "the database cannot be reached: what the server says"],
  [failure("57P03"), 75, "the database cannot be reached: what the server says"],
  [failure("08006"), 75, "the database cannot be reached: what the server says"],
  [failure("53300"), 75, "the database cannot be reached: what the server says"],
  [
    new Error("timeout exceeded when trying to connect"),
    75,
    "the database cannot be reached: timeout exceeded when trying to connect",
  ],
  [
    new Error("Connection terminated unexpectedly"),
    75,
    "the database cannot be reached: Connection terminated unexpectedly",
  ],
  [failure("40P01"), 75, "another session was in the way: what the server says"],
  [failure("28P01"), 78, "the server refused the login: what the server says"],
  [failure("28000"), 78, "the server refused the login: what the server says"],
  [
    new Error("SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"),
    78,
    "the server refused the login: SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string",
  ],
  [failure("3D000"), 78, "what the server says"],
  [failure("42501"), 78, "not allowed: what the server says"],
  [failure("42P01"), 78, "the schema is missing or not up to date: what the server says"],
  [failure("25006"), 78, "the server is read-only: what the server says"],
  [new Error("The server does not support SSL connections"), 78, "the server does not offer TLS"],
  [
    failure("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
    78,
    "the server's certificate is not trusted: self-signed certificate",
  ],
  [failure("TR001", "there is no task 7"), 64, "there is no task 7"],
  [failure("22023", "expected priority to be 0 to 3"), 64, "expected priority to be 0 to 3"],
  [new UsageError("TYPE is missing", { hint: "h" }), 64, "TYPE is missing"],
  [new PayloadError("payload is not JSON", { hint: "h" }), 64, "payload is not JSON"],
  [new EnvironmentError("too old", { hint: "h", exitCode: 78 }), 78, "too old"],
] as const)("%s ends with exit code %i", ([err, exitCode, message]) => {
  const explained = explainError(err);

  expect(explained).toMatchObject({ message, exitCode });
  expect(explained?.hint).not.toBe("");
});

test("a hint of the database wins over the general one", () => {
  const err = Object.assign(failure("TR002"), { hint: "retry_task(task_id) queues it again." });

  expect(explainError(err)?.hint).toBe("retry_task(task_id) queues it again.");
});

test("a password in a message of the driver is masked", () => {
  const err = failure("ENOTFOUND", "cannot resolve postgres://app:s3cret@db/orders");

  expect(explainError(err)?.message).toContain("postgres://app:****@db/orders");
});

test.for([new TypeError("x is not a function"), failure("XX000"), "text", null])(
  "%s is a bug, and has no explanation",
  (err) => {
    expect(explainError(err)).toBeNull();
  },
);

test("a schema that lacks a function is a matter of migration, not of type casts", () => {
  const err = Object.assign(failure("42883"), { hint: "You might need explicit type casts." });

  expect(explainError(err)?.hint).toMatch(/^run `triaged migrate`/);
});
