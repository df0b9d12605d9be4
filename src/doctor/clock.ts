import { z } from "zod";
import { type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

const SKEW_MS_MAX = 1_000;

/**
 * How far the clock of this machine is from that of the server, which decides everything:
 * what differs is the time in logs, and what a producer computes for `run_at`.
 */
export const clockProbe: Probe = {
  subject: "clock",
  async look({ db, clock }) {
    const sentAt = clock();
    const [row] = await db.query({
      text: "select extract(epoch from clock_timestamp()) * 1000 as at_ms",
    });
    const answeredAt = clock();
    const { at_ms } = z.object({ at_ms: Count }).parse(row);
    return [
      judgeClock({
        aheadMs: (sentAt + answeredAt) / 2 - at_ms,
        unknownMs: (answeredAt - sentAt) / 2,
      }),
    ];
  },
};

/** `unknownMs` is what the way to the server and back may have hidden. */
export function judgeClock(skew: { aheadMs: number; unknownMs: number }): Finding {
  const { aheadMs, unknownMs } = skew;
  const found = `this machine is ${Math.abs(Math.round(aheadMs))} ms ${aheadMs < 0 ? "behind" : "ahead of"} the server`;
  return Math.abs(aheadMs) - unknownMs > SKEW_MS_MAX
    ? warning("clock", found, "run an NTP client on both; computed run_at and logs are off by it")
    : ok("clock", found);
}
