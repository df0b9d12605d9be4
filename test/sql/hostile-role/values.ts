/** Values that hurt, as SQL that reads the same by any search path. */

const text = (value: string) => `'${value.replaceAll("'", "''")}'::pg_catalog.text`;
const json = (value: unknown) =>
  `'${JSON.stringify(value).replaceAll("'", "''")}'::pg_catalog.jsonb`;
const cast = (type: string) => (value: string) => `'${value}'::pg_catalog.${type}`;

/** Of a type of the hostile role, with a cast to all that we take. */
const FOREIGN = ["row(1)::evil.thing", "'x'::evil.word"];

const TEXTS = [
  "",
  " ",
  "x",
  "default",
  "noop",
  "k",
  "worker",
  "keep",
  "replace",
  "delivered",
  "pending",
  "o/p",
  "o/q",
  "api_consumer",
  "template_fork",
  "..",
  "%s%I%L",
  `a'b"c\\`,
  "{}",
  "0",
  "high",
  "\u0001\u001b[31m",
  "ｗｏｒｋｅｒ\u200b",
  "'; drop schema triaged cascade; --",
].map(text);
const HUGE = "pg_catalog.repeat('x', 1500000)";

const INTEGERS = ["0", "1", "2", "3", "-1", "100", "2147483647", "-2147483648"];
const BIGINTS = [...INTEGERS, "9223372036854775807", "-9223372036854775808"];
const TIMES = [
  "infinity",
  "-infinity",
  "epoch",
  "4714-11-24 00:00+00 BC",
  "294276-12-31 23:59:59+00",
  "2001-01-01",
  "2031-12-31 23:59:60+00",
];
const INTERVALS = [
  "0",
  "1 hour",
  "-1 hour",
  "-178000000 years",
  "178000000 years",
  "1 microsecond",
  // From 17 on; a server before calls it no interval.
  "infinity",
  "-infinity",
];

const OUTCOMES = ["finish", "fail", "retry", "snooze", "release", "ask", "cancelled", "no such"];
const IDS = [1, 2, 3, 0, -1, null, "9223372036854775807", "9223372036854775808", 1.5, "x", {}, [1]];

const KEYS = [
  "task_type",
  "queue",
  "priority",
  "run_at",
  "dedupe_key",
  "dedupe_mode",
  "dedupe_for",
  "max_attempts",
  "parent_task_id",
  "payload",
  "metadata",
  "no_such",
];
const FIELDS = KEYS.flatMap((key) =>
  [null, "", "x".repeat(3000), "infinity", -1, "1e400", 2 ** 53, [], {}, [[]]].map((value) => ({
    [key]: value,
  })),
);

/** Objects and arrays as our functions take them, with one thing wrong or nothing. */
const BATCHES = [
  ...OUTCOMES.flatMap((outcome) =>
    IDS.map((id) => [{ task_id: id, attempt: 1, outcome, error: "e", prompt: "p", result: {} }]),
  ),
  ...[0, -1, 2 ** 31, 1e18, 9e18, 1e30, null, "x"].flatMap((delay_ms) =>
    ["retry", "snooze"].map((outcome) => [{ task_id: 1, attempt: 1, outcome, delay_ms }]),
  ),
  [
    { task_id: 1, attempt: 1, outcome: "finish" },
    { task_id: 1, attempt: 1, outcome: "finish" },
  ],
  [{ task_id: 1, attempt: 1, kind: "webhook", key: "k", payload: {} }],
  [{ task_id: 1, attempt: 1, kind: "no such", key: "", payload: null }],
  ...FIELDS.map((field) => [{ task_type: "noop", ...field }]),
  [
    { task_type: "noop", dedupe_key: "k" },
    { task_type: "noop", dedupe_key: "k" },
  ],
];

const EVENT = { source_repo: "o/p", commit_sha: "1", commit_message: "m", branch: "main" };
const VERDICT = { requires_action: "maybe", confidence: "1e999", evidence: { source: 1 } };

const JSONS = [
  ...[null, true, 0, "x", [], {}, [null], [1], [[]], { a: null }].map(json),
  ...BATCHES.map(json),
  ...[EVENT, { ...EVENT, branch: "" }, { ...EVENT, source_repo: "../.." }, VERDICT].map(json),
  ...[{ clone_url: "ext::sh -c x" }, { change_triggers: "x" }, { urgency_mapping: { x: 1 } }].map(
    json,
  ),
  "'1e131000'::pg_catalog.jsonb",
  `'{"a": 1e131000}'::pg_catalog.jsonb`,
  "(pg_catalog.repeat('[', 900) operator(pg_catalog.||) '1' operator(pg_catalog.||) pg_catalog.repeat(']', 900))::pg_catalog.jsonb",
  `pg_catalog.jsonb_build_object('a', ${HUGE})`,
  `('[' operator(pg_catalog.||) pg_catalog.repeat('{"task_type": "noop"},', 2000) operator(pg_catalog.||) '{"task_type": ""}]')::pg_catalog.jsonb`,
];

const arrays = (type: string, one: string) =>
  [
    "{}",
    "{null}",
    `{${one}}`,
    `{${one},${one}}`,
    `{{${one},${one}},{${one},null}}`,
    `[5:6]={${one},${one}}`,
  ]
    .map((value) => `'${value}'::pg_catalog.${type}[]`)
    .concat(`pg_catalog.array_fill('${one}'::pg_catalog.${type}, array[20000])`);

/** By the name of the type, as pg_catalog.format_type has it. */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  text: [...TEXTS, HUGE],
  "character varying": [...TEXTS, HUGE],
  integer: INTEGERS.map(cast("int4")),
  smallint: ["0", "3", "-32768", "32767"].map(cast("int2")),
  bigint: BIGINTS.map(cast("int8")),
  boolean: ["true", "false"],
  uuid: ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"].map(
    cast("uuid"),
  ),
  jsonb: JSONS,
  interval: INTERVALS.map(cast("interval")),
  date: ["epoch", "infinity", "5874897-12-31"].map(cast("date")),
  "timestamp with time zone": TIMES.map(cast("timestamptz")),
  "text[]": arrays("text", "noop"),
  "bigint[]": arrays("int8", "1"),
  "integer[]": arrays("int4", "1"),
  "smallint[]": arrays("int2", "1"),
  "timestamp with time zone[]": arrays("timestamptz", "infinity"),
  anycompatible: [
    ...TEXTS,
    ...INTEGERS.map(cast("int4")),
    "array[1]",
    "'{}'::pg_catalog.jsonb",
    HUGE,
  ],
};

/** What any argument may be given. */
export const ANY = ["null", ...FOREIGN];

/** What a session may have set; each is one statement, or none. */
export const SETTINGS = [
  "set search_path to evil, pg_catalog",
  "set search_path to pg_temp, evil, pg_catalog",
  "set search_path to evil",
  "set search_path to ''",
  "set datestyle to 'SQL, DMY'; set timezone to 'Asia/Kolkata'",
  "set intervalstyle to 'sql_standard'",
  "set escape_string_warning to off; set standard_conforming_strings to off",
  "set transform_null_equals to on",
  "set array_nulls to off",
  "set quote_all_identifiers to on",
  "set extra_float_digits to -15",
  "set plpgsql.extra_errors to 'all'",
  "set check_function_bodies to off",
  "set default_transaction_isolation to 'serializable'",
  "set jit_above_cost to 0; set jit_inline_above_cost to 0",
  "set enable_indexscan to off; set enable_hashjoin to off; set enable_nestloop to off",
  "set plan_cache_mode to force_generic_plan",
  "set triaged.event to 'finish'; set triaged.event_by to 'worker'",
  "set triaged.event_details to '{no json'",
  `set triaged.event_details to '{"1/1": {"class": "forged"}}'`,
  "set triaged.actor to 'worker'",
  "set triaged.actor to 'cfo@corp'",
  "set triaged.max_payload_bytes to '999999999'",
  "set triaged.max_payload_bytes to 'x'",
  "set triaged.fake_now to '2001-01-01'",
  "set triaged.fake_now to 'no time'",
  "set role triaged_api",
] as const;
