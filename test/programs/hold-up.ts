// Runs an embedded server and one process that writes into the journal, as `triaged up`
// does: a process that tests can kill.

import { listenForStop } from "../../src/supervisor/stop-signals.ts";
import { runUp } from "../../src/supervisor/up.ts";
import { createLogger } from "../../src/system/logger.ts";
import { supervised } from "./journal.ts";

const [folder, journal] = process.argv.slice(2);
if (folder === undefined || journal === undefined) {
  throw new Error("expected a folder and a journal");
}
await runUp({
  connection: { kind: "embedded", folder },
  prepare: () => Promise.resolve(),
  groups: [{ programs: [supervised("one", journal, "run")], graceMs: 10_000 }],
  logger: createLogger({ level: "silent", name: "up" }),
  signals: listenForStop(),
});
