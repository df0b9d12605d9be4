import { setTimeout as delay } from "node:timers/promises";

const AGAIN_MS = 20;

/** Wait as `waitFor` does, without a test around it: benches use it too. */
export async function waitUntilTrue(
  condition: () => Promise<boolean> | boolean,
  { deadlineMs = 10_000 }: { readonly deadlineMs?: number } = {},
): Promise<void> {
  const endsAt = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > endsAt) {
      throw new Error(`expected it to be so within ${deadlineMs} ms, it was not`);
    }
    await delay(AGAIN_MS);
  }
}
