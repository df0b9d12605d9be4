import { listRelationships, RELATIONSHIP_TYPES } from "../postgres/relationship-store.ts";
import { choice } from "../setting.ts";
import { defineCommand } from "./command.ts";
import { formatTime } from "./format.ts";
import { repository, requireRepository } from "./known-repository.ts";
import { print, printJson } from "./print.ts";
import { renderTable } from "./table.ts";
import { withDatabase } from "./with-database.ts";

const ROWS_MAX = 10_000;

export const relationshipsList = defineCommand({
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
