import { unlockDeadRunners } from "./dead-runners.ts";
import type { Job } from "./job.ts";

/** Give back what a process on another host held when it died, and was not started again. */
export const unlockDeadRunnersJob: Job = {
  name: "unlock-dead-runners",
  cron: "* * * * *",
  async run({ db, isOnce }) {
    // Without graphile-worker there may be no schema of it either.
    const runnersUnlocked = isOnce ? 0 : await unlockDeadRunners(db);
    return { changes: runnersUnlocked, detail: { runnersUnlocked } };
  },
};
