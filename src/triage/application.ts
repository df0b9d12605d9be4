/**
 * Triage as an application of the queue: the lists in which it adds to the program `triaged`.
 * Loads nothing of triage before it is asked for.
 */
import path from "node:path";
import type { Application, Command } from "../index.ts";

export const triage: Application = {
  // src/triage in a checkout, dist/src/triage when published: tasks/ is two folders above in both.
  handlers: path.join(import.meta.dirname, "..", "..", "tasks"),
  deliveries: async () => (await import("./effects/deliveries.ts")).DELIVERIES,
  jobs: async () => (await import("./jobs/jobs.ts")).TRIAGE_JOBS,
  doors: async () => (await import("./doors/doors.ts")).triageDoors(),
  takeOver: async () => (await import("./commands/take-over.ts")).takeOverRelationships,
  pages: async () => (await import("./pages/pages.ts")).TRIAGE_PAGES,
  commands: new Map<string, () => Promise<Command>>([
    ["notify", async () => (await import("./commands/notify.ts")).notifyCommand],
    [
      "relationships import",
      async () => (await import("./commands/relationships-file.ts")).importRelationshipsCommand,
    ],
    [
      "relationships export",
      async () => (await import("./commands/relationships-file.ts")).exportRelationshipsCommand,
    ],
    [
      "relationships settings",
      async () => (await import("./commands/show-relationships.ts")).relationshipSettingsCommand,
    ],
    [
      "relationships list",
      async () => (await import("./commands/show-relationships.ts")).listRelationshipsCommand,
    ],
    [
      "relationships add",
      async () => (await import("./commands/edit-relationships.ts")).addRelationshipCommand,
    ],
    [
      "relationships remove",
      async () => (await import("./commands/edit-relationships.ts")).removeRelationshipCommand,
    ],
  ]),
};
