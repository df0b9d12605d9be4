import { counted } from "../counted.ts";
import { differingSettings, readSettings } from "../postgres/settings-store.ts";
import { ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

/** For how long the queue keeps what ended, and whether this environment says the same. */
export const retentionProbe: Probe = {
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
    const settings = await readSettings(db);
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
