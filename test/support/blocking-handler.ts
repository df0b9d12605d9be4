import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { defineHandler, type HandlerContext } from "../../src/model/handler.ts";

/** The places in which an attempt runs code of its handler, or such that its data drives. */
export const BLOCKING_PLACES = [
  "payload",
  "payload, later",
  "payload, issue",
  "handler",
  "handler, later",
  "handler, abort",
  "progress",
  "effect",
  "result",
  "result, later",
  "result, toJSON",
  "error",
  "error, no Error",
  "prompt",
] as const;
export type BlockingPlace = (typeof BLOCKING_PLACES)[number];

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    // Nothing else runs in this process.
  }
}

/** Blocks the event loop for `ms` in each of its attempts, where the payload says. */
export function blockingHandler(timeout: number) {
  return defineHandler({
    payload: Payload,
    result: Result,
    timeout,
    backoff: { baseMs: 1 },
    run: async ({ where, ms }, context) => await (RUNS[where] ?? returns)(ms, context, where),
  });
}

const given = z.object({ where: z.enum(BLOCKING_PLACES), ms: z.number() });
type Given = z.output<typeof given>;

/** Blocks now or after a wait, if it is told to at this place. */
function passes(place: "payload" | "result"): (given: Given) => boolean | Promise<boolean> {
  return ({ where, ms }) => {
    if (where === place) {
      block(ms);
    }
    return where === `${place}, later` ? delay(10).then(() => blocked(ms)) : true;
  };
}

function blocked(ms: number): true {
  block(ms);
  return true;
}

const Payload = given
  .refine(({ where }) => where !== "payload, issue", {
    error: (issue) => {
      block(given.parse(issue.input).ms);
      return "a slow issue";
    },
  })
  .refine(passes("payload"));

const Result = z.unknown().refine((result) => passes("result")(given.parse(result)));

type Run = (ms: number, context: HandlerContext, where: BlockingPlace) => unknown;

const returns: Run = (ms, _, where) => ({ where, ms });

const RUNS: Partial<Record<BlockingPlace, Run>> = {
  handler(ms, context, where) {
    block(ms);
    return returns(ms, context, where);
  },
  async "handler, later"(ms, context, where) {
    await delay(10);
    block(ms);
    return returns(ms, context, where);
  },
  async "handler, abort"(ms, { signal }) {
    signal.addEventListener("abort", () => block(ms));
    await delay(60_000, undefined, { signal });
  },
  progress(ms, context, where) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- As JavaScript would.
    context.progress(1, { toString: () => (block(ms), "slow") } as unknown as string);
    return returns(ms, context, where);
  },
  effect(ms, context, where) {
    const { task, effects } = context;
    effects.add({ kind: "webhook", key: task.taskId, payload: { slow: slowJson(ms) } });
    return returns(ms, context, where);
  },
  "result, toJSON": (ms, _, where) => ({ where, ms, slow: slowJson(ms) }),
  error(ms) {
    throw Object.defineProperty(new Error("x"), "message", {
      get: () => (block(ms), "slow"),
    });
  },
  "error, no Error"(ms) {
    // oxlint-disable-next-line typescript/only-throw-error -- What a careless handler does.
    throw { [Symbol.for("nodejs.util.inspect.custom")]: () => (block(ms), "slow") };
  },
  prompt(ms) {
    const prompt = { toString: () => (block(ms), "slow") };
    throw Object.assign(new Error("x"), { name: "NeedsDecision", prompt });
  },
};

function slowJson(ms: number) {
  return {
    toJSON() {
      block(ms);
      return {};
    },
  };
}
