/** The files of sql/, as they are applied to a queue in a schema of any name. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { sha256 } from "../../model/text.ts";
import { packageFolder } from "../../system/package-folder.ts";
import { withSchema } from "../database.ts";
import { type Roles, withRoles } from "../roles/role-names.ts";

/** A file of `sql/migrations`, applied once and never edited after its release. */
export type Migration = {
  /** File name without its ending, `0001-create-tasks`. */
  readonly name: string;
  readonly text: string;
  /** sha256 of the file as it lies there, whatever the schema's name. */
  readonly checksum: string;
};

/** The numbered migrations in their order, for a queue in `schema`. */
export function readMigrations(schema: string): Migration[] {
  return sqlFiles("migrations").map(({ name, text }) => ({
    name,
    text: withSchema(text, schema),
    checksum: sha256(text),
  }));
}

/** Folders of files that are applied again: the queue's own, its compatibility schema's. */
const PARTS = { queue: "", compat: "compat" } as const;
export type Part = keyof typeof PARTS;

/**
 * What is applied again whenever it changed: functions, then views, then triggers, and at last
 * what everybody loses. The checksum is that of all parts.
 */
export function readRepeatables(schema: string): {
  text: string;
  compat: string;
  checksum: string;
} {
  const [text, compat] = [repeatablesOf("queue"), repeatablesOf("compat")];
  return {
    text: withSchema(text, schema),
    compat: withSchema(compat, schema),
    checksum: sha256(text + grantsOf("queue") + compat + grantsOf("compat")),
  };
}

/** Who may do what. Needs the roles to exist. */
export function readGrants(schema: string, part: Part, roles: Roles): string {
  return withRoles(withSchema(grantsOf(part), schema), roles);
}

function repeatablesOf(part: Part): string {
  return ["functions", "views", "triggers"]
    .flatMap((folder) => sqlFiles(path.join(PARTS[part], folder)))
    .map((file) => file.text)
    .concat(readFileSync(path.join(sqlFolder(), PARTS[part], "revokes.sql"), "utf8"))
    .join("\n");
}

function grantsOf(part: Part): string {
  return readFileSync(path.join(sqlFolder(), PARTS[part], "grants.sql"), "utf8");
}

/** The grants that our roles have in a schema that was just made, a statement a line. */
export function readPrivilegesSnapshot(schema: string): string {
  const text = readFileSync(path.join(sqlFolder(), "privileges.snapshot.txt"), "utf8");
  return withSchema(text, schema);
}

/** The lines of a schema that was just made, as snapshot.ts reads them. */
export function readSchemaSnapshot(schema: string): string {
  return withSchema(readFileSync(path.join(sqlFolder(), "schema.snapshot.txt"), "utf8"), schema);
}

/** The body of each function, by its name, as the server keeps it. */
export function readFunctionBodies(schema: string, part: Part): ReadonlyMap<string, string> {
  return new Map(
    sqlFiles(path.join(PARTS[part], "functions")).map(({ name, text }) => {
      const [, body = ""] = withSchema(text, schema).split("$$");
      return [name, body];
    }),
  );
}

/** The query of each view, by its name. */
export function readViewTexts(schema: string, part: Part): ReadonlyMap<string, string> {
  return new Map(
    sqlFiles(path.join(PARTS[part], "views")).map(({ name, text }) => {
      const [, query = ""] = withSchema(text, schema).split(/^create or replace view \S+ as$/m);
      return [name.replaceAll("-", "_"), query];
    }),
  );
}

function sqlFiles(folder: string): { name: string; text: string }[] {
  const parent = path.join(sqlFolder(), folder);
  return readdirSync(parent)
    .filter((file) => file.endsWith(".sql"))
    .toSorted()
    .map((file) => ({
      name: path.basename(file, ".sql"),
      text: readFileSync(path.join(parent, file), "utf8"),
    }));
}

function sqlFolder(): string {
  return path.join(packageFolder(), "sql");
}
