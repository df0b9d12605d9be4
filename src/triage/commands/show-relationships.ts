import {
  choice,
  defineCommand,
  formatTime,
  print,
  printJson,
  renderTable,
  withDatabase,
} from "../../index.ts";

import { URGENCIES } from "../facts/finding.ts";
import { DEFAULT_DIGEST_SCHEDULE } from "../jobs/digest-job.ts";
import { thresholdsOf } from "../relationships/notification-settings.ts";
import { listRelationships, RELATIONSHIP_TYPES, readRelationshipSettings } from "../store.ts";
import { repository, requireRepository } from "./edit-relationships.ts";

const ROWS_MAX = 10_000;

export const listRelationshipsCommand = defineCommand({
  name: "relationships list",
  summary: "list who depends on whom",
  args: [{ name: "REPO", schema: repository(), optional: true }],
  options: {
    type: {
      short: "t",
      value: "TYPE",
      about: `only of this type: ${RELATIONSHIP_TYPES.join(", ")}`,
      schema: choice(RELATIONSHIP_TYPES),
    },
    json: { about: "print a JSON array, with the configurations" },
  },
  examples: [
    ["relationships list", "all"],
    ["relationships list acme/api", "those that acme/api is a side of"],
    ["relationships list --json | jq '.[].target_repo'", "every dependent, for a program"],
  ],
  run: ({ flags, args: [repo] }) =>
    withDatabase(async ({ db }) => {
      const rows = await listRelationships(db, {
        repo: repo ?? null,
        type: flags.type ?? null,
        limit: ROWS_MAX,
      });
      if (repo !== undefined && rows.length === 0) {
        await requireRepository(db, repo);
      }
      if (flags.json) {
        printJson(rows);
      } else {
        print(
          renderTable(
            ["source", "target", "type", "changed", "description"],
            rows.map((row) => [
              row.source_repo,
              row.target_repo,
              row.relationship_type,
              formatTime(row.updated_at),
              descriptionOf(row.relationship_config),
            ]),
          ),
        );
      }
      return 0;
    }),
});

function descriptionOf({ description }: Readonly<Record<string, unknown>>): string | null {
  return typeof description === "string" ? description : null;
}

export const relationshipSettingsCommand = defineCommand({
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
      const schedule = typeof saved === "string" ? saved : DEFAULT_DIGEST_SCHEDULE;
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
