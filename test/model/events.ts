import type { Attempt } from "./world.ts";

export type Enqueue = {
  readonly queue: string;
  readonly priority: number;
  /** Of run_at, from now; null for none given. */
  readonly delay: number | null;
  readonly maxAttempts: number | null;
  readonly key: string | null;
  readonly mode: "keep" | "replace";
  /** How long the key is held at least. */
  readonly window: number | null;
};

export const OUTCOMES = [
  "finish",
  "retry",
  "fail",
  "snooze",
  "release",
  "ask",
  "cancelled",
] as const;

export type Outcome = Attempt & {
  readonly outcome: (typeof OUTCOMES)[number];
  readonly delay: number | null;
};

/** Something that somebody does to the queue. Tasks and workers are named by their ids. */
export type Event =
  | { readonly on: "register"; readonly queues: readonly string[]; readonly maxAttempts: number }
  | { readonly on: "heartbeat" | "fall silent" | "end worker"; readonly worker: number }
  | { readonly on: "enqueue"; readonly task: Enqueue }
  | { readonly on: "enqueue many"; readonly tasks: readonly Enqueue[] }
  | {
      readonly on: "claim";
      readonly worker: number;
      readonly max: number;
      /** Of this one alone, or of all that the worker has. */
      readonly lane: Pick<Enqueue, "queue" | "priority"> | null;
    }
  | { readonly on: "settle"; readonly outcomes: readonly Outcome[] }
  | { readonly on: "progress"; readonly of: Attempt; readonly percent: number }
  | {
      readonly on: "release unknown";
      readonly worker: number;
      readonly known: readonly Attempt[];
    }
  | { readonly on: "rescue"; readonly maxWorkers: number; readonly maxRescues: number }
  | { readonly on: "cancel" | "decide" | "retry"; readonly task: number }
  | { readonly on: "pause" | "resume"; readonly queue: string }
  | { readonly on: "wait"; readonly ms: number }
  | { readonly on: "expire" };

/** What an event gave: of a function of the queue, or as the model foresees it. */
export type Answer = unknown;

/** A row of an answer. */
export type Told = {
  readonly task: number;
  readonly attempt?: number;
  readonly outcome?: unknown;
  readonly status?: unknown;
};

/** An answer that is a list without an order. */
export function unordered<Row>(rows: readonly Row[]): Row[] {
  const named = rows.map((row) => ({ row, name: JSON.stringify(row) }));
  return named.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ row }) => row);
}

/** What a worker reports for an attempt; the same words whoever reports it, and however often. */
export function reportOf({ task, attempt, outcome }: Outcome) {
  return {
    result: { of: attempt, by: outcome },
    error: `${outcome} ${task}/${attempt}`,
    prompt: `${task}/${attempt}?`,
    detail: { class: outcome },
  };
}

/** What a person decides. */
export const DECISION = { go: true };
