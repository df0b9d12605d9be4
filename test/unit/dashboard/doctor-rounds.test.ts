// Goal: however many pages are open, the doctor examines seldom, one at a time, and no page waits.
import { expect, test } from "vitest";
import {
  DoctorRounds,
  EXAMINE_APART_MS,
  EXAMINE_EVERY_MS,
} from "../../../src/dashboard/doctor-rounds.ts";
import { warning } from "../../../src/doctor/probe.ts";

function rounds() {
  const asked: { resolve: () => void; reject: () => void }[] = [];
  const clock = { ms: 0 };
  const doctor = new DoctorRounds({
    now: () => clock.ms,
    onFindings: () => undefined,
    examine: async () => {
      await new Promise<void>((resolve, reject) => {
        asked.push({ resolve, reject: () => reject(new Error("away")) });
      });
      return [warning("idle", `of ${clock.ms}`, "set it")];
    },
  });
  return { asked, clock, doctor };
}

test("a hundred pages share one examination, and do not wait for it", async () => {
  const { asked, doctor } = rounds();

  const seen = Array.from({ length: 100 }, () => doctor.state());

  expect(asked).toHaveLength(1);
  expect(seen.at(-1)).toEqual({ last: null, isLooking: true, hasFailed: false });
  asked[0]?.resolve();
  await doctor.settled();
  expect(doctor.state()).toMatchObject({ last: { at: new Date(0) }, isLooking: false });
});

test("the next examination is five minutes later, or ten seconds where somebody asks", async () => {
  const { asked, clock, doctor } = rounds();
  doctor.state();
  asked[0]?.resolve();
  await doctor.settled();

  clock.ms = EXAMINE_APART_MS - 1;
  expect(doctor.lookAgain()).toBe(false);
  clock.ms = EXAMINE_APART_MS;
  expect(doctor.lookAgain()).toBe(true);
  expect(doctor.lookAgain()).toBe(false);
  asked[1]?.resolve();
  await doctor.settled();
  clock.ms = EXAMINE_APART_MS + EXAMINE_EVERY_MS - 1;
  doctor.state();
  expect(asked).toHaveLength(2);
  clock.ms += 1;
  doctor.state();
  expect(asked).toHaveLength(3);
});

test("findings stay while the database is away, and it is tried again soon", async () => {
  const { asked, clock, doctor } = rounds();
  doctor.state();
  asked[0]?.resolve();
  await doctor.settled();
  clock.ms = EXAMINE_EVERY_MS;
  doctor.state();
  asked[1]?.reject();
  await doctor.settled();

  expect(doctor.state()).toMatchObject({ last: { at: new Date(0) }, hasFailed: true });
  clock.ms += EXAMINE_APART_MS;
  doctor.state();
  expect(asked).toHaveLength(3);
});
