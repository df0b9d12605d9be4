import { expect, test } from "vitest";
import { digestLastDue, digestScheduleProblem } from "../../../../src/triage/jobs/digest-job.ts";

/** A Wednesday. */
const NOW = new Date("2027-03-10T12:34:56Z");

test.for([
  ["daily", "2027-03-10T08:00"],
  ["weekly", "2027-03-08T08:00"],
  ["monthly", "2027-03-01T08:00"],
  ["34 12 * * *", "2027-03-10T12:34"],
  ["35 12 * * *", "2027-03-09T12:35"],
  ["*/20 9-17 * * 1-5", "2027-03-10T12:20"],
  ["0 0 31 * *", "2027-01-31T00:00"],
  ["0 8 * * 7", "2027-03-07T08:00"],
  ["  0  8 * * 1 ", "2027-03-08T08:00"],
  ["0 0 29 2 *", "2024-02-29T00:00"],
] as const)("%s was due last at %s", ([schedule, due]) => {
  expect(digestScheduleProblem(schedule)).toBeNull();
  expect(digestLastDue(schedule, NOW)?.toISOString()).toBe(`${due}:00.000Z`);
});

test.for([undefined, null])("%s is no problem: the default holds", (schedule) => {
  expect(digestScheduleProblem(schedule)).toBeNull();
});

test.for([
  "",
  "hourly",
  "Weekly",
  "* * * *",
  "60 * * * *",
  "* * * * mon",
  "@daily",
  "constructor",
  7,
])("%s is no schedule", (schedule) => {
  expect(digestScheduleProblem(schedule)).toMatch(/^expected daily, weekly, monthly, or a line /);
});

test("a day that never comes is told", () => {
  expect(digestScheduleProblem("0 0 30 2 *")).toBe("0 0 30 2 * is due on no day");
});
