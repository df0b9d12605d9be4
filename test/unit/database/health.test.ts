import { pino } from "pino";
import { expect, test } from "vitest";
import { DatabaseHealth } from "../../../src/database/health.ts";

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

test("a blocked event loop says nothing about the database", async () => {
  const { health } = healthOf(
    () =>
      new Promise((resolve) => {
        // Longer than the database has to answer: the timer is due before the answer is heard.
        const untilMs = performance.now() + 1_200;
        while (performance.now() < untilMs);
        setTimeout(resolve, 50);
      }),
  );

  await health.check();

  expect(health.state).toBe("healthy");
});

test("a question without an answer is the only one", async () => {
  let questions = 0;
  const { health } = healthOf(() => {
    questions += 1;
    return new Promise(() => undefined);
  });

  await health.check();
  await health.check();

  expect([questions, health.state]).toEqual([1, "degraded"]);
});

test("a wait for a database that is down ends with its first answer", async () => {
  let answers = false;
  const { health } = healthOf(() =>
    answers ? Promise.resolve() : Promise.reject(new Error("gone")),
  );
  for (let question = 0; question < 3; question += 1) await health.check();
  let isUp = false;
  const waiting = health.untilUp().then(() => (isUp = true));
  await health.check();
  expect(isUp).toBe(false);

  answers = true;
  await health.check();

  await waiting;
  expect(health.state).toBe("healthy");
  await expect(health.untilUp()).resolves.toBeUndefined();
});
