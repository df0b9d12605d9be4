import { visibleLine } from "../foreign-text.ts";
import { parseExactly } from "../json.ts";
import type { Database } from "../postgres/database.ts";
import {
  isRelated,
  RELATIONSHIP_TYPES,
  type SaveOutcome,
  saveRelationship,
  saveRepository,
} from "../postgres/relationship-store.ts";
import { choice, text } from "../setting.ts";
import { unknownConfigKeys } from "../triage/relationships/unknown-keys.ts";
import { defineCommand } from "./command.ts";
import { lookUpRepository, repository } from "./known-repository.ts";
import { noteUnknownKeys } from "./note-unknown-keys.ts";
import { note, print, printJson } from "./print.ts";
import { readInput } from "./read-input.ts";
import { UsageError } from "./usage-error.ts";
import { withDatabase } from "./with-database.ts";

const CONFIG_BYTES_MAX = 262_144;

export const relationshipsAdd = defineCommand({
  name: "relationships add",
  summary: "say that TARGET depends on SOURCE, or change how",
  description:
    "SOURCE is the provider or template, TARGET its consumer or derivative. --config takes the\n" +
    "place of the whole configuration that was there; without it, that stays. Repositories that\n" +
    "are new are registered.",
  args: [
    { name: "SOURCE", schema: repository() },
    { name: "TARGET", schema: repository() },
  ],
  options: {
    type: {
      short: "t",
      value: "TYPE",
      about: "api_consumer (default) or template_fork",
      schema: choice(RELATIONSHIP_TYPES),
    },
    config: {
      short: "c",
      value: "JSON",
      about: "interface_files, urgency_mapping, sync_strategy, …; or @file, or -",
      schema: text({ max: CONFIG_BYTES_MAX }),
    },
    "source-url": { value: "URL", about: "where git gets SOURCE", schema: text({ max: 2000 }) },
    "target-url": { value: "URL", about: "where git gets TARGET", schema: text({ max: 2000 }) },
    json: { about: "print one JSON object: source_repo, target_repo, relationship_type, outcome" },
  },
  examples: [
    ["relationships add acme/api acme/shop", "acme/shop calls the API of acme/api"],
    [
      `relationships add acme/api acme/shop -c '{"interface_files": ["src/api.ts"]}'`,
      "and does so there",
    ],
    [
      "relationships add acme/template acme/fork -t template_fork --source-url file:///srv/template",
      "a copy of a template, which git gets from a folder",
    ],
  ],
  run: ({ flags, args: [sourceRepo, targetRepo] }) =>
    withDatabase(async ({ db, asOperator }) => {
      const config =
        flags.config === undefined
          ? null
          : parseConfig(await readInput(flags.config, { maxBytes: CONFIG_BYTES_MAX }));
      await noteIfNew(db, [sourceRepo, targetRepo]);
      const relationshipType = flags.type ?? "api_consumer";
      noteUnknownKeys("--config", unknownConfigKeys(relationshipType, config ?? {}));
      const outcome = await asOperator(async (transaction) => {
        const saved = [
          await saveConfig(transaction, { sourceRepo, targetRepo, relationshipType, config }),
          await saveUrl(transaction, sourceRepo, flags["source-url"]),
          await saveUrl(transaction, targetRepo, flags["target-url"]),
        ];
        return saved.find((one) => one !== "unchanged") ?? "unchanged";
      });
      if (flags.json) {
        printJson({
          source_repo: sourceRepo,
          target_repo: targetRepo,
          relationship_type: relationshipType,
          outcome,
        });
      } else {
        print(`${sourceRepo} -> ${targetRepo} (${relationshipType}) is ${outcome}`);
      }
      return 0;
    }),
});

type Saved = Parameters<typeof saveRelationship>[1];

/** Whoever adds an address to a relationship does not mean to empty its configuration. */
async function saveConfig(
  db: Database,
  { config, ...pair }: Omit<Saved, "config"> & { readonly config: Saved["config"] | null },
): Promise<SaveOutcome> {
  if (config === null && (await isRelated(db, pair))) {
    return "unchanged";
  }
  return await saveRelationship(db, { ...pair, config: config ?? {} });
}

async function saveUrl(
  db: Database,
  repoName: string,
  url: string | undefined,
): Promise<SaveOutcome> {
  return url === undefined
    ? "unchanged"
    : await saveRepository(db, { repoName, metadata: { clone_url: url } });
}

/** A name that is new may be a slip of the finger. */
async function noteIfNew(db: Database, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { known, meant } = await lookUpRepository(db, name);
    if (!known && meant !== null) {
      note(visibleLine(`${name} is new; did you mean ${meant}?`));
    }
  }
}

function parseConfig(given: string): Record<string, unknown> {
  const hint = `write it like '{"interface_files": ["src/client.ts"]}', or name a file: @config.json`;
  let parsed: unknown;
  try {
    parsed = parseExactly(given, { decimals: "kept" });
  } catch (err) {
    const reason = err instanceof Error ? err.message.split("\n")[0] : String(err);
    throw new UsageError(`--config is not JSON: ${reason}`, { hint, cause: err });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new UsageError("expected --config to be a JSON object", { hint });
  }
  return { ...parsed };
}
