import { locateDatabase } from "../../database/connection-file.ts";
import type { Database } from "../../database/database.ts";
import { createDatabase } from "../../database/migrate/create-database.ts";
import { migrateSchema } from "../../database/migrate/migrate.ts";
import { readLosses } from "../../database/migrate/restored.ts";
import { clientConfig } from "../../database/pool.ts";
import { namesOf, quoted, type Roles } from "../../database/roles/role-names.ts";
import { readSchemaState, type SchemaState } from "../../database/schema/state.ts";
import { EXIT_CODES } from "../../model/errors.ts";
import { readConfig } from "../../settings/config.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { formatTime, note, print, printJson, renderTable } from "../terminal/output.ts";
import { withAnySchema } from "../terminal/with-database.ts";

export const migrateCommand = defineCommand({
  name: "migrate",
  summary: "bring the schema of the database up to this version",
  description:
    "Safe to run at any time, and many times at once. It needs the schema's owner. Names the roles\n" +
    "that it made for logins of producers and workers: TRIAGED_ROLE_PREFIX_owner, …_api,\n" +
    "…_readonly. Rights that others have and nobody needs are revoked, with a warning.",
  args: [],
  options: {
    create: { about: "create the database first, where the server has none of that name" },
    status: { about: "change nothing, show what is applied and what is missing" },
    json: { about: "print one JSON object" },
  },
  examples: [
    ["migrate", "before a new version of the workers starts"],
    ["migrate --create", "on a server that has no such database yet"],
    ["migrate --status", "exits 0 when nothing is missing, else 78"],
  ],
  run: async ({ flags }) => {
    if (flags.status && flags.create) {
      throw new UsageError("--status changes nothing, and --create does", {
        hint: "leave one of them out",
      });
    }
    return flags.status ? await showStatus(flags.json) : await apply(flags.create, flags.json);
  },
});

async function apply(creates: boolean, asJson: boolean): Promise<number> {
  const config = readConfig();
  const database = config.directConnection ?? (await locateDatabase(config.connection));
  const created = creates ? await createDatabase(database) : null;
  const applied: string[] = [];
  const restored: string[] = [];
  const { roles, mayGrant } = await migrateSchema(clientConfig(database, "migrate"), {
    schema: config.schema,
    rolePrefix: config.rolePrefix,
    onApplied: (name) => void applied.push(name),
    onRestored: (what) => void restored.push(what),
    onWarning: (message) => note(`warning: ${message}`),
  });
  if (asJson) {
    printJson({
      schema: config.schema,
      created,
      applied,
      restored,
      roles: roles && { owner: roles.owner, api: roles.api, readonly: roles.readonly },
    });
  } else {
    const did = [
      ...(created === null ? [] : [`created database ${created}`]),
      ...applied.map((name) => `applied ${name}`),
      ...restored.map((what) => `restored ${what}`),
    ];
    print(did.length === 0 ? `schema ${config.schema} is up to date` : did.join("\n"));
    if (roles !== null) {
      // Beside the result, for the person who looks on.
      note(describeRoles(roles, { mayGrant }));
    }
  }
  return 0;
}

/** Without it nobody but the owner could use the queue: the names are this database's own. */
function describeRoles(roles: Roles, { mayGrant }: { mayGrant: boolean }): string {
  return [
    `roles ${namesOf(roles).join(", ")}`,
    `next: grant ${quoted(roles.api)} to LOGIN; for each producer and worker` +
      (mayGrant ? "" : " (an administrator may; this user may not)"),
  ].join("\n");
}

function showStatus(asJson: boolean): Promise<number> {
  return withAnySchema(async ({ db, look }) => {
    const state = await readSchemaState(db);
    // Of tables that are to change yet nothing can be said.
    const differing = isCurrent(state) ? await look(readDiffering) : [];
    if (asJson) {
      printJson({ ...state, differing });
    } else {
      print(renderTable(["file", "state", "applied"], rowsOf(state)));
      for (const what of differing) {
        print(what);
      }
    }
    return isCurrent(state) && differing.length === 0 ? EXIT_CODES.done : EXIT_CODES.config;
  });
}

async function readDiffering(db: Database): Promise<string[]> {
  const { mendable, fatal, other } = await readLosses(db);
  return [...fatal.map((what) => `missing or changed: ${what}`), ...other, ...mendable];
}

function rowsOf(state: SchemaState): (string | null)[][] {
  const stateOf = (name: string) => {
    if (state.unknown.includes(name)) {
      return "unknown to this version";
    }
    return state.changed.includes(name) ? "changed since" : "applied";
  };
  return [
    ...state.applied.map(({ name, appliedAt }) => [name, stateOf(name), formatTime(appliedAt)]),
    ...state.pending.map((name) => [name, "missing", null]),
    ["functions, views, triggers", state.repeatablesCurrent ? "applied" : "missing", null],
  ];
}

function isCurrent(state: SchemaState): boolean {
  const { pending, unknown, changed, repeatablesCurrent } = state;
  return repeatablesCurrent && [pending, unknown, changed].every((names) => names.length === 0);
}
