import { expect, test } from "vitest";
import { retryAfterMs } from "../../../src/system/http.ts";

const NOW = Date.parse("2027-01-31T12:00:00Z");

test.for([
  [{}, null],
  [{ "retry-after": "0" }, 0],
  [{ "retry-after": "90" }, 90_000],
  [{ "retry-after": "Sun, 31 Jan 2027 12:01:00 GMT" }, 60_000],
  [{ "retry-after": "Sun, 31 Jan 2027 11:00:00 GMT" }, 0],
  [{ "retry-after": "99999999999" }, 6 * 3_600_000],
  [{ "retry-after": "soon" }, null],
  [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW / 1_000 + 30) }, 30_000],
  [{ "x-ratelimit-remaining": "7", "x-ratelimit-reset": String(NOW / 1_000 + 30) }, null],
  [{ "x-ratelimit-remaining": "0" }, null],
] as const)("%j", ([headers, expected]) => {
  expect(retryAfterMs(headers, NOW)).toBe(expected);
});
