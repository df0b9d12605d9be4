/** What the queue goes by on every host: the rows of queue_settings. */
import { z } from "zod";
import type { Config } from "../config.ts";
import type { Database } from "./database.ts";

const Setting = z.object({
  name: z.string(),
  value: z.string(),
  /** Null: nobody has changed it. */
  changed_at: z.date().nullable(),
  changed_by: z.string().nullable(),
  changed_login: z.string().nullable(),
  previous_value: z.string().nullable(),
});
export type Setting = z.output<typeof Setting>;

export async function readSettings(db: Database): Promise<Setting[]> {
  const rows = await db.query({
    text: `select name, value, changed_at, changed_by, changed_login, previous_value
           from triaged.queue_settings order by name desc`,
  });
  return rows.map((row) => Setting.parse(row));
}

const Saved = z.object({ outcome: z.enum(["changed", "unchanged", "kept"]) });

/**
 * Change one; with `onlyDefault`, unless somebody has before ("kept"). Throws 22023 for an unknown
 * name or a value that does not fit. Needs the rights of the owner.
 */
export async function saveSetting(
  db: Database,
  { name, value, onlyDefault = false }: { name: string; value: string; onlyDefault?: boolean },
): Promise<z.output<typeof Saved>["outcome"]> {
  const [row] = await db.query({
    text: "select triaged.save_setting($1, $2, $3) as outcome",
    values: [name, value, onlyDefault],
  });
  return Saved.parse(row).outcome;
}

/** What an environment says otherwise than the database. */
export type Differing = {
  readonly name: string;
  readonly variable: string;
  readonly given: number;
  readonly value: string;
};

export async function differingSettings(
  db: Database,
  { taskDays, historyDays }: Config["retention"],
): Promise<Differing[]> {
  const settings = await readSettings(db);
  const here = [
    { name: "task_retention_days", variable: "TASK_RETENTION_DAYS", given: taskDays },
    { name: "history_retention_days", variable: "HISTORY_RETENTION_DAYS", given: historyDays },
  ];
  return here.flatMap(({ name, variable, given }) => {
    const value = settings.find((one) => one.name === name)?.value;
    return given === null || value === undefined || value === String(given)
      ? []
      : [{ name, variable, given, value }];
  });
}
