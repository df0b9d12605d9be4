// A process to supervise: writes what happens to it into a journal, one line each.
//
//   node supervised.ts NAME JOURNAL run       until SIGTERM, or until the supervisor is gone
//   node supervised.ts NAME JOURNAL deaf      ignores SIGTERM
//   node supervised.ts NAME JOURNAL CODE      ends at once with this exit code

import { appendFileSync } from "node:fs";
import { onParentGone } from "../../src/supervisor/stop-signals.ts";

const [name, journal, behaviour] = process.argv.slice(2);
if (name === undefined || journal === undefined || behaviour === undefined) {
  throw new Error("expected a name, a journal and a behaviour");
}
const note = (what: string) => appendFileSync(journal, `${name} ${what}\n`);

if (behaviour === "run" || behaviour === "deaf") {
  const alive = setInterval(() => undefined, 1_000);
  process.on("SIGTERM", () => {
    note("told to stop");
    if (behaviour === "run") {
      clearInterval(alive);
      note("stopped");
    }
  });
  onParentGone(() => {
    note("left alone");
    clearInterval(alive);
  });
} else {
  process.exitCode = Number(behaviour);
}
// Last, since tests signal a process as soon as they read this.
note(`started ${process.pid}`);
