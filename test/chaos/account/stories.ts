import { withClient } from "../system/server.ts";

const TASKS_MAX = 5;

/** The history of the first of these tasks, as text. */
export async function storiesOf(url: string, taskIds: readonly string[]): Promise<string> {
  const shown = taskIds.slice(0, TASKS_MAX);
  const lines = await withClient(url, async (client) => {
    const { rows } = await client.query<{ line: string }>(
      `select concat_ws(' ',
         'task', task_id, to_char(at, 'HH24:MI:SS.MS'), event, '->', status,
         'attempt', attempt_count, 'worker', worker_id, error
       ) as line
       from triaged.task_history
       where task_id = any ($1)
       order by task_id, history_id`,
      [shown],
    );
    return rows.map(({ line }) => line);
  });
  return [...lines, `${taskIds.length} tasks; shown: ${shown.join(", ")}`].join("\n");
}
