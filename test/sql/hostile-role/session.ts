/** A login that has one of our roles and a schema full of traps, and what it got out of us. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Client, DatabaseError } from "pg";
import { query, queryOne } from "../../support/tasks.ts";

const TRAPS = readFileSync(path.join(import.meta.dirname, "traps.sql"), "utf8");

/** A function of ours that the login may call. */
export type Target = {
  readonly name: string;
  readonly arguments: readonly { readonly name: string; readonly type: string }[];
};

export type Hostile = {
  readonly name: string;
  readonly session: Client;
  /** Every function of the schema that it may call. */
  readonly targets: readonly Target[];
  /** How often code of it ran with the rights of another, whether or not that was rolled back. */
  alarms(): Promise<number>;
  close(): Promise<void>;
};

/** A call that no code of ours should answer so: it is not the caller who is wrong. */
const OUR_FAULT = [
  /^XX/, // internal
  /^54001$/, // stack depth
  /^42601$/, // a syntax error: SQL was put together wrongly
  /^42P01$|^42703$|^42P02$/, // what our code names is not there
  /^21000$/, // cardinality
  /^2F|^P0002$|^P0003$|^P0004$/, // a function that went wrong by itself
  /^57P|^58|^08/, // the server
];

/** Log in as a role of its own that was granted `role`. `owner` is a superuser's connection. */
export async function logInHostile(owner: Client, url: string, role: string): Promise<Hostile> {
  const name = `triaged_test_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  await owner.query(`create role ${name} login password '${password}' in role ${role}`);
  await owner.query("drop schema if exists evil cascade");
  await owner.query(`create schema evil authorization ${name}`);
  await owner.query(
    `do $$ begin execute format('grant temporary on database %I to ${name}', current_database()); end $$`,
  );
  const address = new URL(url);
  address.username = name;
  address.password = password;
  const session = new Client({ connectionString: address.href });
  session.on("error", () => undefined);
  await session.connect();
  const targets = await readTargets(owner, name);
  await session.query(TRAPS.replaceAll(/\bhostile\b/g, name));
  return {
    name,
    session,
    targets,
    alarms: async () => {
      const row = await queryOne<{ alarms: string }>(
        owner,
        "select case when is_called then last_value else 0 end as alarms from evil.alarm",
      );
      return Number(row.alarms);
    },
    close: async () => {
      await session.end();
      await owner.query(`drop owned by ${name} cascade; drop role ${name}`);
    },
  };
}

/** Call a function with SQL for some of its arguments; null, or what is wrong with the answer. */
export async function callHostile(
  session: Client,
  { name, arguments: names }: Target,
  given: ReadonlyMap<string, string>,
): Promise<string | null> {
  const named = names
    .filter((argument) => given.has(argument.name))
    .map((argument) => `"${argument.name}" => ${given.get(argument.name)}`);
  try {
    await session.query(`select * from triaged.${name}(${named.join(", ")})`);
    return null;
  } catch (err) {
    if (!(err instanceof DatabaseError)) {
      return `the connection is lost: ${String(err)}`;
    }
    const { code = "", message, where = "" } = err;
    // Without the mark of a function, it is the statement of the caller that did not parse.
    const isOurs = where.includes("triaged.") || /^(XX|54001|57P|58|08)/.test(code);
    return isOurs && OUR_FAULT.some((fault) => fault.test(code))
      ? `${code} ${message}\n${where}`
      : null;
  }
}

async function readTargets(owner: Client, role: string): Promise<Target[]> {
  return await query<Target>(
    owner,
    `select proname as name, (
       select coalesce(json_agg(json_build_object(
         'name', proargnames[place], 'type', format_type(type, null)) order by place), '[]')
       from unnest(proargtypes::oid[]) with ordinality as given (type, place)
     ) as arguments
     from pg_proc
     where pronamespace = 'triaged'::regnamespace and has_function_privilege($1, oid, 'execute')
     order by proname`,
    [role],
  );
}
