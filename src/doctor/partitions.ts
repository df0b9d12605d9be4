import { differingSettings, readQueueSettings } from "../database/operator.ts";
import { type PartitionFacts, readPartitionFacts } from "../database/queue-facts.ts";
import { counted } from "../model/text.ts";
import { type DoctorFinding, type DoctorProbe, error, ok, warning } from "./probe.ts";

/** The jobs make seven; what is below has missed many of their runs. */
const DAYS_AHEAD_MIN = 2;
/** Further ahead, and more stray rows, are not counted. */
const DAYS_SEEN_MAX = 30;
const ROWS_COUNTED_MAX = 1_000;

/** Whether the rows of the next days have a place of their own. */
export const partitionsProbe: DoctorProbe = {
  subject: "partitions",
  async look({ db }) {
    const facts = await readPartitionFacts(db, {
      daysMax: DAYS_SEEN_MAX,
      rowsMax: ROWS_COUNTED_MAX,
    });
    return facts.map(judgePartitions);
  },
};

export function judgePartitions(facts: PartitionFacts): DoctorFinding {
  const { table_name, has_today, days_ahead, stray_rows } = facts;
  const count = stray_rows > ROWS_COUNTED_MAX ? `over ${ROWS_COUNTED_MAX}` : stray_rows;
  const stray = stray_rows === 0 ? "" : `, ${counted(count, "row")} in the default partition`;
  const advice = "is `triaged jobs` running? For now: triaged migrate";
  if (!has_today) {
    const found = `${table_name} has none for today${stray}`;
    // More than can be moved under a lock stay where they are while others come in.
    return days_ahead >= DAYS_AHEAD_MIN && stray_rows > ROWS_COUNTED_MAX
      ? warning("partitions", found, "none is lost; `triaged jobs` moves them when the day is over")
      : error("partitions", found, advice);
  }
  const found = `${table_name} has them ${counted(days_ahead, "day")} ahead${stray}`;
  return days_ahead < DAYS_AHEAD_MIN || stray_rows > 0
    ? warning("partitions", found, advice)
    : ok("partitions", found);
}

/** For how long the queue keeps what ended, and whether this environment says the same. */
export const retentionProbe: DoctorProbe = {
  subject: "retention",
  async look({ db, config }) {
    const differing = await differingSettings(db, config.retention);
    if (differing.length > 0) {
      return differing.map(({ name, variable, given, value }) =>
        warning(
          "retention",
          `${variable} is ${given} here, and ${name} ${value} in the database, which counts`,
          `triaged settings set ${name} ${given}, or unset ${variable}`,
        ),
      );
    }
    const settings = await readQueueSettings(db);
    const daysOf = (name: string) => {
      const value = settings.find((one) => one.name === name)?.value ?? "0";
      return value === "0" ? "for ever" : counted(value, "day");
    };
    return [
      ok(
        "retention",
        `tasks ${daysOf("task_retention_days")}, history ${daysOf("history_retention_days")}`,
      ),
    ];
  },
};
