import type { Database } from "./database.ts";

/** What became of one worker of a process that exited. */
export type RescuedWorker = {
  readonly workerId: string;
  /** False while the server still sees a session of it. */
  readonly isDead: boolean;
  /** Tasks that were taken back, and how many of them are failed as poisonous. */
  readonly tasks: number;
  readonly failed: number;
};

/** Take back what the workers of a process hold that was seen to exit. */
export async function rescueProcess(
  db: Database,
  process: { readonly host: string; readonly pid: number; readonly maxRescues: number },
): Promise<RescuedWorker[]> {
  return await db.query<RescuedWorker>({
    text: `select worker_id as "workerId", is_dead as "isDead", tasks, failed
      from triaged.rescue_process($1, $2, $3)`,
    values: [process.host, process.pid, process.maxRescues],
  });
}
