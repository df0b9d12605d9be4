/** What is known of a kind of fault before a run. */
type Known = {
  readonly kind: string;
  /** How often, against the others. */
  readonly weight: number;
  /** How long it lasts: shortest and longest. The lease of a worker is 15. */
  readonly seconds: readonly [number, number];
};

const AT_ONCE = [0, 0] as const;
const AROUND_THE_LEASE = [1, 25] as const;

export const FAULT_KINDS = [
  { kind: "worker: kill -9", weight: 8, seconds: AT_ONCE },
  { kind: "host: kill -9 of its workers", weight: 2, seconds: AT_ONCE },
  { kind: "worker: SIGSTOP, SIGCONT", weight: 4, seconds: AROUND_THE_LEASE },
  { kind: "server: one backend terminated", weight: 8, seconds: AT_ONCE },
  { kind: "server: all backends terminated", weight: 2, seconds: AT_ONCE },
  { kind: "server: fast restart", weight: 2, seconds: AT_ONCE },
  { kind: "server: immediate restart", weight: 2, seconds: AT_ONCE },
  { kind: "server: kill -9 of the postmaster", weight: 1, seconds: AT_ONCE },
  { kind: "host: packets vanish", weight: 3, seconds: AROUND_THE_LEASE },
  { kind: "host: cable pulled", weight: 2, seconds: AROUND_THE_LEASE },
  { kind: "pooler: kill -9, restart", weight: 2, seconds: AT_ONCE },
] as const satisfies readonly Known[];

export type FaultKind = (typeof FAULT_KINDS)[number]["kind"];
