// Supervises two processes that write into the journal given, until a signal stops it: a
// process that tests can kill while it supervises.

import { listenForStop } from "../../src/supervisor/stop-signals.ts";
import { supervise } from "../../src/supervisor/supervise.ts";
import { createLogger } from "../../src/system/logger.ts";
import { supervised } from "./journal.ts";

const [journal, behaviour = "run"] = process.argv.slice(2);
if (journal === undefined) {
  throw new Error("expected a journal");
}
const { stop, kill, dispose } = listenForStop();
process.exitCode = await supervise(
  [
    { programs: [supervised("first", journal, behaviour)], graceMs: 60_000 },
    { programs: [supervised("second", journal, behaviour)], graceMs: 60_000 },
  ],
  { logger: createLogger({ level: "silent", name: "up" }), stop, kill },
);
dispose();
