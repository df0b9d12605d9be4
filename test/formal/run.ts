// Checks the model of the protocol: that it has every property as it is, and that it loses them
// when a mechanism is taken out. Exits 1 if either is not so, 69 if spin or gcc is missing.

import { BROKEN, CLAIMS, INTACT, LIVENESS_BOUNDS, PROPERTIES } from "./runs.ts";
import { type Check, check, hasSpin } from "./spin.ts";

const EXIT_MISSING = 69;
let failed = 0;

if (await hasSpin()) {
  await checkAll();
  process.stdout.write(failed === 0 ? "all as expected\n" : `${failed} not as expected\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} else {
  process.stderr.write("formal: spin or gcc is missing\n");
  process.stderr.write("hint: apt-get install spin gcc libc6-dev\n");
  process.exitCode = EXIT_MISSING;
}

async function checkAll(): Promise<void> {
  process.stdout.write("The protocol, all properties of each state:\n");
  for (const { name, bounds } of INTACT) {
    await expectThat(true, name, { bounds });
  }
  process.stdout.write("The protocol, what holds in the end:\n");
  for (const claim of CLAIMS) {
    await expectThat(true, claim, { bounds: LIVENESS_BOUNDS, claim });
  }
  process.stdout.write("With a mechanism taken out:\n");
  for (const { macro, bounds, breaks } of BROKEN) {
    for (const { number, name } of PROPERTIES.filter((one) => breaks.includes(one.number))) {
      await expectThat(false, `${macro}: ${name}`, { bounds, without: macro, only: number });
    }
  }
  const bounds = LIVENESS_BOUNDS;
  await expectThat(false, "CLAIM_WITHOUT_LOCK: no_lost_task", {
    bounds,
    without: "CLAIM_WITHOUT_LOCK",
    claim: "no_lost_task",
  });
}

async function expectThat(holds: boolean, name: string, what: Check): Promise<void> {
  const found = await check(what);
  const isExpected = found.holds === holds;
  failed += isExpected ? 0 : 1;
  const verdict = `${found.holds ? "holds" : "broken"}${isExpected ? "" : ", NOT AS EXPECTED"}`;
  const states = String(found.states).padStart(9);
  const seconds = (found.ms / 1_000).toFixed(1).padStart(5);
  process.stdout.write(`  ${name.padEnd(84)} ${states} states ${seconds} s  ${verdict}\n`);
}
