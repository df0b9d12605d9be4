import { expect, test } from "vitest";
import { CrontabError, parseCrontab } from "../../../src/jobs/crontab.ts";
import { cronFieldsOf, instantOf, isDue, nextRun } from "../../../src/jobs/due-times.ts";
import { found } from "../../support/connections.ts";

test("a payload whose integers are rounded when it is read is refused", () => {
  expect(problemsOf("* * * * * noop {ids: [1, 9007199254740993]}")).toEqual([
    "1: the payload has an integer beyond 2^53 (about 9007199254740992); write it as text",
  ]);
});

function problemsOf(text: string): readonly string[] {
  try {
    parseCrontab(text);
  } catch (err) {
    if (err instanceof CrontabError) {
      return err.problems;
    }
    throw err;
  }
  throw new Error("expected problems, got none");
}

/** The times at which a line is due, from one instant to before another, in UTC. */
function timesOf(line: string, zone: string, [from, to]: readonly [string, string]): string[] {
  const { timing } = found(parseCrontab(`CRON_TZ=${zone}\n${line} t`)[0]);
  const times = [];
  for (let at = Date.parse(from); at < Date.parse(to); at += 60_000) {
    if (isDue(timing, at)) {
      times.push(new Date(at).toISOString().slice(0, 16));
    }
  }
  return times;
}

test("a line says what is enqueued, and when", () => {
  const [plain, full] = parseCrontab(
    "# A comment\n\n0 4 * * * report\n" +
      "*/5 9-17 * * 1-5 sync ?id=sync-eu&fill=2h&queue=eu&priority=1&max=5&jobKey=s {a: [1]}\n",
  );

  expect(plain).toMatchObject({
    name: "report",
    line: 3,
    cron: "0 4 * * *",
    backfillMs: 0,
    timing: { isHourly: false, timeZone: { name: "UTC" } },
    task: { task_type: "report", payload: {} },
  });
  expect(plain?.task).toEqual({ task_type: "report", payload: {} });
  expect(full).toMatchObject({ name: "sync-eu", line: 4, backfillMs: 7_200_000 });
  expect(full?.task).toEqual({
    task_type: "sync",
    payload: { a: [1] },
    queue: "eu",
    priority: 1,
    max_attempts: 5,
    dedupe_key: "s",
    dedupe_mode: "replace",
  });
});

test("a time zone counts for the lines below it", () => {
  const zones = parseCrontab(
    'CRON_TZ=Europe/Berlin\n0 4 * * * a\nCRON_TZ = "Asia/Kolkata"\n0 4 * * * b\nCRON_TZ=UTC\n0 4 * * * c',
  ).map(({ timing }) => timing.timeZone.name);

  expect(zones).toEqual(["Europe/Berlin", "Asia/Kolkata", "UTC"]);
});

test("all lines that are wrong are named, by their numbers", () => {
  expect(
    problemsOf(
      [
        "0 4 * * * fine",
        "@daily report",
        "61 4 * * * report",
        "0 4 * * * report ?fil=1d",
        "0 4 * * * report {a: }",
        "CRON_TZ=Europe/Berln",
        "MAILTO=me@example.org",
        "0 4 * * * report ?priority=4",
        "0 4 * * * report ?max=0",
        "0 5 * * * fine",
        "0 4 * * * report ?fill=400d",
        '0 4 * * * report {"a": "\\u0000"}',
      ].join("\r\n"),
    ),
  ).toEqual([
    '2: expected "MINUTE HOUR DAY MONTH WEEKDAY task_type ?options {payload}"',
    "3: Too large value '61' in minutes range: expected values in the range 0-59.",
    expect.stringMatching(/^4: Options contains unsupported key 'fil'; supported keys are: /),
    expect.stringMatching(/^5: Failed to parse JSON5 payload: /),
    '6: expected a time zone such as Europe/Berlin, got "Europe/Berln"',
    '7: expected "MINUTE HOUR DAY MONTH WEEKDAY task_type ?options {payload}"',
    "8: expected priority to be 0 to 3, got 4",
    "9: expected max to be 1 to 100, got 0",
    expect.stringMatching(/^11: expected the milliseconds of fill to be 0 to /),
    expect.stringMatching(/^12: payload\.a holds a NUL character/),
    "10: fine is on line 1 already; tell them apart: ?id=other-name",
  ]);
});

/** When `30 4 * * *` is due in Berlin on a day, in UTC. */
function daily(day: string): string[] {
  return timesOf("30 4 * * *", "Europe/Berlin", [`${day}T00:00Z`, `${day}T24:00Z`]);
}

test("times are those of the time zone, in summer and in winter", () => {
  expect(daily("2026-01-15")).toEqual(["2026-01-15T03:30"]);
  expect(daily("2026-07-15")).toEqual(["2026-07-15T02:30"]);
});

// On 2026-03-29 the clocks of Berlin go from 02:00 to 03:00, at 01:00 UTC; on 2026-10-25
// from 03:00 to 02:00, at 01:00 UTC. Those of Lord Howe are changed by half an hour.
const SPRING = ["2026-03-28T22:00Z", "2026-03-29T04:00Z"] as const;
const AUTUMN = ["2026-10-24T22:00Z", "2026-10-25T04:00Z"] as const;

test.for([
  ["a time that is skipped is due after the gap", "30 2 * * *", SPRING, ["2026-03-29T01:00"]],
  ["one after the gap stays", "30 3 * * *", SPRING, ["2026-03-29T01:30"]],
  ["several that are skipped are one", "0,30 2 * * *", SPRING, ["2026-03-29T01:00"]],
  [
    "skipped and due at once is once",
    "0,30 2,3 * * *",
    SPRING,
    ["2026-03-29T01:00", "2026-03-29T01:30"],
  ],
  ["a time that comes twice is due the first time", "30 2 * * *", AUTUMN, ["2026-10-25T00:30"]],
  ["one after it stays", "0 3 * * *", AUTUMN, ["2026-10-25T02:00"]],
  [
    "an hourly line skips nothing in spring",
    "0 * * * *",
    SPRING,
    ["22:00", "23:00", "00:00", "01:00", "02:00", "03:00"],
  ],
  [
    "an hourly line skips nothing in autumn",
    "0 * * * *",
    AUTUMN,
    ["22:00", "23:00", "00:00", "01:00", "02:00", "03:00"],
  ],
] as const)("%s, as clocks are changed", ([, line, range, expected]) => {
  const times = timesOf(line, "Europe/Berlin", range);

  expect(times.map((time, place) => time.slice(-(expected[place]?.length ?? 0)))).toEqual(expected);
});

test("clocks that are changed by half an hour are understood", () => {
  // 2026-10-04 02:00 becomes 02:30, at 15:30 UTC of the day before.
  const range = ["2026-10-03T14:00Z", "2026-10-03T17:00Z"] as const;

  expect(timesOf("15 2 * * *", "Australia/Lord_Howe", range)).toEqual(["2026-10-03T15:30"]);
});

test.for([
  ["0 4 * * *", "UTC", "2026-01-01T04:00:00Z", "2026-01-02T04:00:00.000Z"],
  ["0 4 * * *", "UTC", "2026-01-01T03:59:59Z", "2026-01-01T04:00:00.000Z"],
  ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00.000Z"],
  ["0 9 * * 1", "America/New_York", "2026-11-21T00:00:00Z", "2026-11-23T14:00:00.000Z"],
  ["0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
  ["0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00.000Z"],
  ["0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", undefined],
] as const)("%s in %s is next due after %s at %s", ([cron, zone, after, next]) => {
  const { timing } = found(parseCrontab(`CRON_TZ=${zone}\n${cron} t`)[0]);

  expect(nextRun(timing, new Date(after))?.toISOString()).toBe(next);
});

test("an instant is found again by what graphile-worker asks about", () => {
  const now = new Date("2027-01-01T00:00:30Z");
  for (const days of [0, 1, 40, 300, 365]) {
    const at = Date.parse("2027-01-01T00:00Z") - days * 86_400_000;

    expect(instantOf(cronFieldsOf(at), now)).toBe(at);
  }
  expect(
    instantOf(cronFieldsOf(Date.parse("2027-01-01T00:00Z")), new Date("2026-12-31T23:59:59Z")),
  ).toBe(Date.parse("2027-01-01T00:00Z"));
});
