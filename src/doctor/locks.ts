import { z } from "zod";
import { type ForeignLock, foreignLocks } from "../postgres/lock-store.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

/** Of the room for notifications; what fills it is a session that listens and does not read. */
const QUEUE_USED_MAX = 0.1;

/** Who keeps an advisory lock of the queue, or fills the server with notifications. */
export const locksProbe: Probe = {
  subject: "locks",
  async look({ db }) {
    const [row] = await db.query({ text: "select pg_notification_queue_usage() as used" });
    const { used } = z.object({ used: Count }).parse(row);
    return [...judgeLocks(await foreignLocks(db)), judgeNotifications(used)];
  },
};

export function judgeLocks(locks: readonly ForeignLock[]): Finding[] {
  return locks.length === 0
    ? [ok("locks", "nobody keeps a lock of the queue that is not for it")]
    : locks.map(({ lock, pid, role, application }) =>
        pid === null
          ? warning(
              "locks",
              `${lock}: kept by the prepared transaction '${application ?? ""}' (role ${role})`,
              `${costOf(lock)}; commit prepared '${application ?? ""}', or rollback prepared`,
            )
          : warning(
              "locks",
              `${lock}: kept, or waited for, by pid ${pid} (role ${role}, application '${application ?? ""}')`,
              `${costOf(lock)}; end it: select pg_terminate_backend(${pid})`,
            ),
      );
}

export function judgeNotifications(used: number): Finding {
  const found = `${Math.round(used * 100)} % of the room for notifications in use`;
  return used > QUEUE_USED_MAX
    ? warning(
        "notifications",
        found,
        "a session that listens and stays in a transaction keeps them: end it (see snapshot); " +
          "when it is full nobody can notify, so nobody is rung for",
      )
    : ok("notifications", found);
}

function costOf(lock: string): string {
  switch (lock.split(" ")[0] ?? lock) {
    case "worker":
      return "no harm while the session of the worker tells of its death";
    case "wake-up":
      return "each enqueue notifies, and workers poll";
    case "migrate":
      return "a migration, or the start of jobs, ends after ten seconds unless this is one";
    default:
      return "what needs it fails after five seconds";
  }
}
