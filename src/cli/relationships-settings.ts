import { DEFAULT_SCHEDULE } from "../jobs/digest-schedule.ts";
import { readRelationshipSettings } from "../postgres/relationship-store.ts";
import { thresholdsOf } from "../triage/relationships/notification-settings.ts";
import { URGENCIES } from "../triage/verdict/urgency.ts";
import { defineCommand } from "./command.ts";
import { print, printJson } from "./print.ts";
import { renderTable } from "./table.ts";
import { withDatabase } from "./with-database.ts";

export const relationshipsSettings = defineCommand({
  name: "relationships settings",
  summary: "show who is told of a verdict, by its urgency, and when the digest goes out",
  description:
    "What holds: the notification_settings of the file that was imported, and the defaults where it\n" +
    "is silent. To change them, import a file that has some; those of a file take the place of all.",
  args: [],
  options: {
    json: {
      about: "print one JSON object: digest_schedule, default_urgency_thresholds, is_default",
    },
  },
  examples: [
    ["relationships settings", "what an urgency leads to"],
    [
      `relationships import - <<< '{"relationships": {}, "notification_settings": {}}'`,
      "back to the defaults",
    ],
  ],
  run: ({ flags }) =>
    withDatabase(async ({ db }) => {
      const settings = await readRelationshipSettings(db, "notifications");
      const thresholds = thresholdsOf(settings);
      const saved = settings?.["digest_schedule"];
      const schedule = typeof saved === "string" ? saved : DEFAULT_SCHEDULE;
      if (flags.json) {
        printJson({
          digest_schedule: schedule,
          default_urgency_thresholds: thresholds,
          is_default: settings === null,
        });
        return 0;
      }
      print(
        renderTable(
          ["urgency", "action", "webhook", "labels"],
          URGENCIES.toReversed().map((urgency) => {
            const { action, labels, notify_webhook } = thresholds[urgency];
            return [urgency, action, notify_webhook ? "yes" : "no", labels.join(", ")];
          }),
        ),
      );
      print(`digest: ${schedule}${settings === null ? "; nobody has saved settings" : ""}`);
      return 0;
    }),
});
