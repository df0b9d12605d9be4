import type { Database } from "../postgres/database.ts";
import {
  listRelationships,
  RELATIONSHIP_TYPES,
  removeRelationship,
} from "../postgres/relationship-store.ts";
import { choice } from "../setting.ts";
import { defineCommand } from "./command.ts";
import { nearestRepository, repository, requireRepository } from "./known-repository.ts";
import { print, printJson } from "./print.ts";
import { UsageError } from "./usage-error.ts";
import { withDatabase } from "./with-database.ts";

const ROWS_MAX = 10_000;

export const relationshipsRemove = defineCommand({
  name: "relationships remove",
  summary: "forget that TARGET depends on SOURCE",
  description: "Cached verdicts on the pair expire. The repositories stay registered.",
  args: [
    { name: "SOURCE", schema: repository() },
    { name: "TARGET", schema: repository() },
  ],
  options: {
    type: {
      short: "t",
      value: "TYPE",
      about: "only api_consumer, or only template_fork (default: both)",
      schema: choice(RELATIONSHIP_TYPES),
    },
    json: { about: "print one JSON object: source_repo, target_repo, removed" },
  },
  examples: [["relationships remove acme/api acme/shop", "changes of acme/api concern it no more"]],
  run: ({ flags, args: [sourceRepo, targetRepo] }) =>
    withDatabase(async ({ db, asOperator }) => {
      const relationshipType = flags.type ?? null;
      const removed = await asOperator((transaction) =>
        removeRelationship(transaction, { sourceRepo, targetRepo, relationshipType }),
      );
      if (removed === 0) {
        throw await notRelated(db, sourceRepo, targetRepo);
      }
      if (flags.json) {
        printJson({ source_repo: sourceRepo, target_repo: targetRepo, removed });
      } else {
        print(`${targetRepo} does not depend on ${sourceRepo} any more`);
      }
      return 0;
    }),
});

async function notRelated(db: Database, source: string, target: string): Promise<UsageError> {
  await requireRepository(db, source);
  const rows = await listRelationships(db, { repo: source, type: null, limit: ROWS_MAX });
  const targets = rows.filter((row) => row.source_repo === source).map((row) => row.target_repo);
  const meant = targets.includes(target) ? null : nearestRepository(target, targets);
  return new UsageError(`there is no such relationship of ${target} to ${source}`, {
    hint: meant === null ? `triaged relationships list ${source}` : `did you mean ${meant}?`,
  });
}
