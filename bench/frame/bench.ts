import type { Stage } from "./stage.ts";

/** How much is measured: `smoke` shows in seconds that a bench works, its figures are void. */
export type Size = { readonly rounds: number; readonly tasks: number };
export const SIZES = ["full", "smoke"] as const;
export type SizeName = (typeof SIZES)[number];

/** One question, one file, one table. */
export type Bench = {
  readonly name: string;
  /** What the table answers, as a sentence. */
  readonly question: string;
  /** What `tasks` counts here. */
  readonly tasksAre: string;
  readonly sizes: Readonly<Record<SizeName, Size>>;
  /** Throws where a contestant did not do what the figures take for granted. */
  readonly measure: (stage: Stage, size: Size) => Promise<Measurement>;
};

/** What a column shows. */
export type Column = {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
  /** How rounds become one figure. @default "median" */
  readonly over?: "median" | "max";
  /** What a ratio compares: each round of the first row of the group with the same of this one. */
  readonly ratio?: { readonly of: string; readonly title: string };
};

/** One contestant's figures, a value a round, by the key of the column. */
export type Row = {
  readonly contestant: string;
  readonly settings: string;
  /** Under which circumstances, where a bench has several. Ratios stay within a group. */
  readonly group?: string;
  readonly values: Readonly<Record<string, readonly number[]>>;
};

export type Measurement = {
  readonly columns: readonly Column[];
  /** triaged first. */
  readonly rows: readonly Row[];
};
