/**
 * Call `produce` at a steady rate, whether or not what it began has ended: a producer that
 * waits for an answer would hide what makes it wait. `stop` resolves to how many calls there
 * were, once all have ended, and throws what one of them threw.
 */
export function startSteadyLoad(
  everyMs: number,
  produce: () => Promise<unknown>,
): { stop: () => Promise<number> } {
  const begun: Promise<unknown>[] = [];
  const from = performance.now();
  const timer = setInterval(() => {
    // A timer that comes late makes up for it.
    const due = Math.floor((performance.now() - from) / everyMs);
    while (begun.length < due) {
      const call = produce();
      call.catch(() => undefined);
      begun.push(call);
    }
  }, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(begun);
      return begun.length;
    },
  };
}
