// Goal: whatever `alter database … set` and `alter role … set` can set, the queue says and does the
// same.
// Method: the whole life of a queue, from an empty database on, by all of its doors; once as
// PostgreSQL comes, and once under each setting. Every answer must be the same. Settings that have
// nothing to do with each other share a life, which takes seconds; those of the planner do not.

import { Client } from "pg";
import { beforeAll, expect, inject, test } from "vitest";
import { dropDatabase, makeDatabase, urlOf } from "../support/databases.ts";
import { query } from "../support/tasks.ts";
import { LIFE_AT, liveWhole } from "./whole-life.ts";

type Settings = Readonly<Record<string, string>>;

const LIVES: readonly (readonly [string, Settings])[] = [
  [
    "datestyle German in Berlin, iso_8601, few digits",
    {
      datestyle: "German",
      timezone: "Europe/Berlin",
      intervalstyle: "iso_8601",
      extra_float_digits: "-15",
      bytea_output: "escape",
    },
  ],
  [
    "datestyle SQL, DMY in Kolkata, by abbreviations of India, sql_standard, digits of 0",
    {
      datestyle: "SQL, DMY",
      timezone: "Asia/Kolkata",
      timezone_abbreviations: "India",
      intervalstyle: "sql_standard",
      extra_float_digits: "0",
      xmloption: "document",
    },
  ],
  [
    "datestyle SQL, MDY, postgres_verbose, all digits",
    { datestyle: "SQL, MDY", intervalstyle: "postgres_verbose", extra_float_digits: "3" },
  ],
  [
    "datestyle Postgres, DMY on Newfoundland, quotes around all, nulls that are equal",
    {
      datestyle: "Postgres, DMY",
      timezone: "America/St_Johns",
      transform_null_equals: "on",
      quote_all_identifiers: "on",
    },
  ],
  [
    "datestyle Postgres, YMD in Nepal, literals of old",
    {
      datestyle: "Postgres, YMD",
      timezone: "Asia/Kathmandu",
      standard_conforming_strings: "off",
      backslash_quote: "off",
      escape_string_warning: "on",
      array_nulls: "off",
    },
  ],
  [
    "datestyle ISO, YMD in Samoa, LATIN1, plpgsql with all checks",
    {
      datestyle: "ISO, YMD",
      timezone: "Pacific/Apia",
      client_encoding: "LATIN1",
      lc_numeric: "C",
      lc_monetary: "C",
      lc_time: "C",
      "plpgsql.extra_errors": "all",
      "plpgsql.extra_warnings": "all",
      "plpgsql.check_asserts": "on",
      "plpgsql.print_strict_params": "on",
      check_function_bodies: "on",
    },
  ],
  [
    "serializable and deferrable, an empty search path, plpgsql that uses columns",
    {
      default_transaction_isolation: "serializable",
      default_transaction_deferrable: "on",
      search_path: "''",
      "plpgsql.variable_conflict": "use_column",
    },
  ],
  [
    "repeatable read, a search path of nothing that is there, plpgsql that uses variables",
    {
      default_transaction_isolation: "repeatable read",
      search_path: "nowhere",
      "plpgsql.variable_conflict": "use_variable",
    },
  ],
  ["all messages, in New York", { client_min_messages: "debug5", timezone: "America/New_York" }],
  [
    "few messages, storage, timeouts that leave time",
    {
      client_min_messages: "error",
      application_name: "''",
      lc_messages: "C",
      row_security: "off",
      default_table_access_method: "heap",
      default_toast_compression: "pglz",
      default_tablespace: "pg_default",
      temp_tablespaces: "pg_default",
      synchronous_commit: "off",
      temp_file_limit: "1MB",
      statement_timeout: "20s",
      lock_timeout: "5s",
      idle_in_transaction_session_timeout: "20s",
      idle_session_timeout: "20s",
    },
  ],
  [
    "generic plans that are compiled",
    {
      plan_cache_mode: "force_generic_plan",
      jit: "on",
      jit_above_cost: "0",
      work_mem: "64kB",
      default_statistics_target: "1",
    },
  ],
  [
    "no scan of an index",
    {
      enable_indexscan: "off",
      enable_indexonlyscan: "off",
      enable_bitmapscan: "off",
      enable_tidscan: "off",
      plan_cache_mode: "force_custom_plan",
      jit: "off",
    },
  ],
  [
    "plans of no join",
    {
      enable_hashjoin: "off",
      enable_mergejoin: "off",
      enable_hashagg: "off",
      enable_material: "off",
      enable_sort: "off",
      enable_memoize: "off",
      jit: "off",
      join_collapse_limit: "1",
      from_collapse_limit: "1",
      geqo: "off",
    },
  ],
  [
    "plans of loops",
    {
      enable_nestloop: "off",
      enable_seqscan: "off",
      enable_partition_pruning: "off",
      jit: "off",
      constraint_exclusion: "off",
      geqo_threshold: "2",
    },
  ],
  [
    "many processes",
    { max_parallel_workers_per_gather: "4", parallel_setup_cost: "0", parallel_tuple_cost: "0" },
  ],
  ["parallel by force", { debug_parallel_query: "on" }],
];

/** What PostgreSQL 15 calls it. */
const OLDER: Settings = { debug_parallel_query: "force_parallel_mode" };

/** Some seconds, and more where each plan is compiled; two at once would mix what they print. */
const LIFE_MS_MAX = 180_000;

let plain: Awaited<ReturnType<typeof liveWhole>>;

beforeAll(async () => {
  plain = await liveUnder({});
}, LIFE_MS_MAX);

test("the life of a queue has its parts", () => {
  const said = Object.fromEntries(plain);

  expect(said["after its bound"]).toHaveLength(7);
  expect(said["doctor"]).toEqual([]);
  expect(said["triaged verify"]).toMatchObject({ code: 0 });
  expect(said["rescued"]).not.toEqual([]);
  expect(said["dropped"]).not.toEqual([]);
  expect(plain.filter(([what]) => what === "merge").length).toBeGreaterThan(5);
  const commands = plain.filter(([what]) => what.startsWith("triaged "));
  expect(commands.length).toBeGreaterThan(20);
  for (const [what, answer] of commands) expect([what, answer]).toMatchObject([what, { code: 0 }]);
});

test.for(LIVES)(
  "%s: the queue does and says the same",
  { timeout: LIFE_MS_MAX },
  async ([, settings]) => {
    expect(await liveUnder(settings)).toEqual(plain);
  },
);

async function liveUnder(settings: Settings) {
  const serverUrl = inject("serverUrl");
  const name = await makeDatabase(serverUrl, "set");
  const client = new Client({ connectionString: urlOf(serverUrl, name) });
  await client.connect();
  try {
    await client.query("load 'plpgsql'");
    const rows = await query<{ name: string }>(client, "select name from pg_settings");
    const known = new Set(rows.map((row) => row.name.toLowerCase()));
    for (const [given, value] of Object.entries(settings)) {
      const setting = known.has(given) ? given : (OLDER[given] ?? given);
      await client.query(`alter database ${name} set ${setting} = ${literalOf(value)}`);
    }
    await client.query(`alter database ${name} set triaged.fake_now = '${LIFE_AT}'`);
    return await liveWhole(urlOf(serverUrl, name));
  } finally {
    await client.end();
    await dropDatabase(serverUrl, name);
  }
}

/** A list is several values, of which each has its quotes. */
function literalOf(value: string): string {
  return value.includes("'")
    ? value
    : value
        .split(", ")
        .map((each) => `'${each}'`)
        .join(", ");
}
