import { z } from "zod";
import { readQueueSettings, saveQueueSetting } from "../../database/operator.ts";
import type { Setting } from "../../database/rows.ts";
import { visibleLine } from "../../model/text.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { formatTime, print, printJson, renderTable } from "../terminal/output.ts";
import { withDatabase } from "../terminal/with-database.ts";

const WORD = z.string().max(200);

export const settingsCommand = defineCommand({
  name: "settings",
  summary: "show or set what the queue goes by on every host: retention",
  description:
    "The values are in the database (queue_settings), where SQL, jobs and commands read them.\n" +
    "  task_retention_days     final tasks are kept so long after their end; 0 = for ever\n" +
    "  history_retention_days  history is, and effects are, kept so long; 0 = for ever\n" +
    "  audit_retention_days    warnings and errors of the audit log are; 0 = for ever\n" +
    "To set one takes triaged_owner. The next run of `triaged jobs` obeys it.",
  args: [
    { name: "set", schema: WORD, optional: true },
    { name: "NAME", schema: WORD, optional: true },
    { name: "VALUE", schema: WORD, optional: true },
  ],
  options: {
    json: { about: "print the settings as an array; with set: name, value, outcome" },
  },
  examples: [
    ["settings", "the values, and who changed them when"],
    ["settings set history_retention_days 0", "keep the audit for ever"],
  ],
  run: async ({ flags, args: [action, name, value] }) => {
    if (action !== undefined && (action !== "set" || name === undefined || value === undefined)) {
      throw new UsageError("expected nothing, or set NAME VALUE", {
        hint: "triaged settings --help",
      });
    }
    return await withDatabase(async ({ db, asOperator }) => {
      if (name === undefined || value === undefined) {
        show(await readQueueSettings(db), flags.json);
        return 0;
      }
      const outcome = await asOperator((transaction) =>
        saveQueueSetting(transaction, { name, value }),
      );
      if (flags.json) {
        printJson({ name, value: Number(value), outcome });
      } else {
        print(visibleLine(`${name} is ${value}${outcome === "unchanged" ? " already" : ""}`));
      }
      return 0;
    });
  },
});

function show(all: readonly Setting[], asJson: boolean): void {
  if (asJson) {
    printJson(
      all.map(({ value, previous_value: previous, ...one }) => ({
        ...one,
        value: Number(value),
        previous_value: previous === null ? null : Number(previous),
      })),
    );
    return;
  }
  const rows = all.map((one) => [
    one.name,
    one.value,
    one.changed_at === null ? "default" : formatTime(one.changed_at),
    one.changed_by ?? "-",
    one.previous_value ?? "-",
  ]);
  print(renderTable(["setting", "value", "changed", "by", "before"], rows));
}
