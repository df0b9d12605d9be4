import type { Command } from "./command.ts";

/**
 * Every command, in the order of the help. A name of two words is that of a group and of a
 * command in it. Loaded when asked for: a start stays quick.
 */
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
  ["pause", async () => (await import("./pause.ts")).pause],
  ["resume", async () => (await import("./resume.ts")).resume],
  ["settings", async () => (await import("./settings.ts")).settings],
  ["schedules", async () => (await import("./schedules.ts")).schedules],
  ["notify", async () => (await import("./notify.ts")).notify],
  [
    "relationships import",
    async () => (await import("./relationships-import.ts")).relationshipsImport,
  ],
  [
    "relationships export",
    async () => (await import("./relationships-export.ts")).relationshipsExport,
  ],
  [
    "relationships settings",
    async () => (await import("./relationships-settings.ts")).relationshipsSettings,
  ],
  ["relationships list", async () => (await import("./relationships-list.ts")).relationshipsList],
  ["relationships add", async () => (await import("./relationships-add.ts")).relationshipsAdd],
  [
    "relationships remove",
    async () => (await import("./relationships-remove.ts")).relationshipsRemove,
  ],
  ["effects", async () => (await import("./effects.ts")).effects],
  ["psql", async () => (await import("./psql.ts")).psql],
  ["verify", async () => (await import("./verify.ts")).verify],
  ["doctor", async () => (await import("./doctor.ts")).doctor],
]);
