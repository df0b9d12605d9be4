import type { Command } from "./command.ts";

/** Every command, in the order of the help. Loaded when asked for: a start stays quick. */
export const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map<
  string,
  () => Promise<Command>
>([
  ["up", async () => (await import("./up.ts")).up],
  ["work", async () => (await import("./work.ts")).work],
  ["jobs", async () => (await import("./jobs.ts")).jobs],
  ["supervisor-events", async () => (await import("./supervisor-events.ts")).supervisorEvents],
  ["migrate", async () => (await import("./migrate.ts")).migrate],
  ["enqueue", async () => (await import("./enqueue.ts")).enqueue],
  ["show", async () => (await import("./show.ts")).show],
  ["list", async () => (await import("./list.ts")).list],
  ["history", async () => (await import("./history.ts")).history],
  ["stats", async () => (await import("./stats.ts")).stats],
  ["why", async () => (await import("./why.ts")).why],
  ["cancel", async () => (await import("./cancel.ts")).cancel],
  ["retry", async () => (await import("./retry.ts")).retry],
  ["decide", async () => (await import("./decide.ts")).decide],
  ["effects", async () => (await import("./effects.ts")).effects],
  ["psql", async () => (await import("./psql.ts")).psql],
  ["verify", async () => (await import("./verify.ts")).verify],
  ["doctor", async () => (await import("./doctor.ts")).doctor],
]);
