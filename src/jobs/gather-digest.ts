import { gatherDigest } from "../postgres/effect-store.ts";
import { readDigestSchedule } from "../postgres/relationship-store.ts";
import { DEFAULT_SCHEDULE, lastDue } from "./digest-schedule.ts";
import type { Job } from "./job.ts";

/**
 * What waits for the digest becomes one issue for each repository, at the times of the
 * digest_schedule. It looks often, as that may change at any time, and takes what waited then: a
 * time that no process was there for is made up for by the next look.
 */
export const gatherDigestJob: Job = {
  name: "gather-digest",
  cron: "*/5 * * * *",
  async run({ db, isByHand }) {
    const { schedule, now } = await readDigestSchedule(db);
    const due = isByHand ? now : lastDue(schedule ?? DEFAULT_SCHEDULE, now);
    const digestsMade =
      due === null ? 0 : await gatherDigest(db, { waitedMs: now.getTime() - due.getTime() });
    return { changes: digestsMade, detail: { digestsMade } };
  },
};
