import { pino } from "pino";
import { expect, test } from "vitest";
import { DatabaseHealth } from "../../../src/gateway/database-health.ts";

function healthOf(ask: () => Promise<unknown>) {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: "info" }, { write: (line) => void lines.push(JSON.parse(line)) });
  return { health: new DatabaseHealth({ ask, logger }), lines };
}

test("one question without an answer is degraded, three are down, one answer is healthy", async () => {
  let answers = true;
  const { health, lines } = healthOf(() =>
    answers ? Promise.resolve() : Promise.reject(new Error("gone")),
  );
  const states = [health.state];
  for (const answer of [true, false, false, false, false, true]) {
    answers = answer;
    await health.check();
    states.push(health.state);
  }

  expect(states).toEqual(["healthy", "healthy", "degraded", "degraded", "down", "down", "healthy"]);
  // A line for each change of state, and none for a question.
  expect(lines.map(({ state }) => state)).toEqual(["degraded", "down", "healthy"]);
});

test("an answer that takes longer than a second is none", async () => {
  const { health } = healthOf(() => new Promise(() => undefined));

  await health.check();

  expect(health.state).toBe("degraded");
});

test("it asks until it is told to stop", async () => {
  let questions = 0;
  const stop = new AbortController();
  const health = new DatabaseHealth({
    ask: () => {
      questions += 1;
      if (questions === 3) stop.abort();
      return Promise.resolve();
    },
    logger: pino({ level: "silent" }),
    everyMs: 1,
  });

  await health.watch(stop.signal);

  expect(questions).toBe(3);
});
