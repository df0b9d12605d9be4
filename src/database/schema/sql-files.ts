/** The files of sql/, as they are applied to a queue in a schema of any name. */
import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
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
    checksum: hash("sha256", text),
  }));
}

/** The queue's own schema, or the compatibility schema beside it, which may be absent. */
export type Part = "queue" | "compat";
/** Files in a folder of this name make what lies in the compatibility schema; no others do. */
const COMPAT_FOLDER = "compat";
const REVOKES = { queue: "revokes.sql", compat: "revokes-compat.sql" } as const;
const GRANTS = { queue: "grants.sql", compat: "grants-compat.sql" } as const;

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
    checksum: hash("sha256", text + grantsOf("queue") + compat + grantsOf("compat")),
  };
}

/** Who may do what. Needs the roles to exist. */
export function readGrants(schema: string, part: Part, roles: Roles): string {
  return withRoles(withSchema(grantsOf(part), schema), roles);
}

function repeatablesOf(part: Part): string {
  return ["functions", "views", "triggers"]
    .flatMap((kind) => filesOf(part, kind))
    .map((file) => file.text)
    .concat(readFileSync(path.join(sqlFolder(), REVOKES[part]), "utf8"))
    .join("\n");
}

function grantsOf(part: Part): string {
  return readFileSync(path.join(sqlFolder(), GRANTS[part]), "utf8");
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
    filesOf(part, "functions")
      .flatMap(({ text }) => functionsIn(text))
      .map(({ name, body }) => [name, withSchema(body, schema)]),
  );
}

/** The functions that a file makes: the text of each lies between two `$$`, its name before them. */
function functionsIn(text: string): { name: string; body: string }[] {
  const pieces = text.split("$$");
  return pieces.flatMap((body, index) => {
    const before = index % 2 === 1 ? (pieces[index - 1] ?? "") : "";
    const name = /\bcreate or replace function \w+\.(\w+)/.exec(before)?.[1];
    return name === undefined ? [] : [{ name, body }];
  });
}

/** The query of each view, by its name. */
export function readViewTexts(schema: string, part: Part): ReadonlyMap<string, string> {
  return new Map(
    filesOf(part, "views").map(({ name, text }) => {
      const [, query = ""] = withSchema(text, schema).split(/^create or replace view \S+ as$/m);
      return [name.replaceAll("-", "_"), query];
    }),
  );
}

/** Those of a folder that is ordered by duty, such as `functions`. */
function filesOf(part: Part, folder: string): SqlFile[] {
  return sqlFiles(folder).filter((file) => (file.folder === COMPAT_FOLDER) === (part === "compat"));
}

type SqlFile = {
  /** Without its ending. */
  readonly name: string;
  /** In which it lies, below the one that was asked for. */
  readonly folder: string;
  readonly text: string;
};

function sqlFiles(folder: string): SqlFile[] {
  const parent = path.join(sqlFolder(), folder);
  return readdirSync(parent, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".sql"))
    .toSorted()
    .map((file) => ({
      name: path.basename(file, ".sql"),
      folder: path.dirname(file),
      text: readFileSync(path.join(parent, file), "utf8"),
    }));
}

function sqlFolder(): string {
  return path.join(packageFolder(), "sql");
}
