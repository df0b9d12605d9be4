// Goal: a file of the dependency orchestrator is taken as it is, and given back as it was:
// nothing of it is dropped, and an import of an export changes nothing.
// Method: files of its shapes, imported, exported, imported into an empty queue, and compared by
// what the tables hold.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "pg";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { runCli } from "../support/processes.ts";
import { query } from "../support/tasks.ts";

const CONSUMER = {
  repo: "acme/shop",
  relationship_type: "api_consumer",
  description: "sells by it",
  interface_files: ["src/pay.ts", ".env.example"],
  change_triggers: ["api_contract", "endpoints"],
  urgency_mapping: { api_contract: "critical", endpoints: "high" },
};
const DERIVATIVE = {
  repo: "acme/pay-eu",
  relationship_type: "template_fork",
  description: "the same for Europe",
  shared_concerns: ["docker", "logging"],
  divergent_concerns: ["business_logic"],
  sync_strategy: "selective",
  bidirectional: true,
};
const PARENT = {
  repo: "acme/pay",
  relationship_type: "template_fork",
  description: "made from it",
  shared_concerns: ["docker"],
  bidirectional: true,
};
const SETTINGS = {
  default_urgency_thresholds: {
    critical: { action: "create_issue_immediately", labels: ["now"], notify_webhook: true },
    low: { action: "add_to_digest", labels: ["dependency", "info"], notify_webhook: false },
  },
  digest_schedule: "weekly",
};
const PROVIDER = { type: "service_provider", description: "charges cards" };

/** Given back word for word. */
const WHOLE: readonly (readonly [string, Record<string, unknown>])[] = [
  [
    "the orchestrator's own shape, whose two sides differ",
    {
      version: "1.0.0",
      description: "who depends on whom",
      relationships: {
        "acme/pay": { ...PROVIDER, consumers: [CONSUMER], derivatives: [DERIVATIVE] },
        "acme/pay-eu": { ...PROVIDER, parent_template: PARENT, consumers: [] },
      },
      notification_settings: SETTINGS,
    },
  ],
  [
    "a derivative that alone says what it was made from",
    {
      relationships: {
        "acme/pay-eu": { type: "fork", parent_template: PARENT },
        "acme/pay-us": { type: "derivative", parent_template: "acme/pay", bidirectional: true },
      },
    },
  ],
  [
    "keys that nothing reads and comments, at every level",
    {
      _comment: "ours",
      team: { name: "payments", contact: null },
      relationships: {
        _comment: "by hand",
        "acme/pay": {
          type: "gateway",
          _comment: "old",
          tier: 1,
          consumers: [
            {
              ...CONSUMER,
              _comment: ["a", { b: null }],
              owner: { id: 7, since: null },
              urgency_mapping: { _comment: "as agreed", api_contract: "low" },
            },
          ],
          derivatives: [{ ...DERIVATIVE, cost: 1.5 }],
        },
        "acme/pay-eu": { type: "x", parent_template: { ...PARENT, _why: "tax", reviewed: false } },
      },
      notification_settings: {
        ...SETTINGS,
        quiet: { from: "22:00" },
        default_urgency_thresholds: {
          _comment: "as agreed",
          high: { action: "create_issue", _comment: "", color: "red" },
        },
      },
    },
  ],
  [
    "one pair that is related in both ways, and in both directions",
    {
      relationships: {
        "acme/pay": {
          type: "service_provider",
          consumers: [{ ...CONSUMER, repo: "acme/pay-eu" }],
          derivatives: [DERIVATIVE],
        },
        "acme/pay-eu": {
          type: "service_provider",
          consumers: [{ ...CONSUMER, repo: "acme/pay" }],
        },
      },
    },
  ],
  [
    "entries on which nobody depends, of any type",
    { relationships: { "acme/a": { type: "library" }, "acme/b": { type: "service_provider" } } },
  ],
];

/** Given back in other words, which mean the same. */
const SHORT: readonly (readonly [string, unknown])[] = [
  [
    "addresses, of those that are listed and of those that are not",
    {
      relationships: {
        "acme/pay": {
          type: "service_provider",
          clone_url: "file:///srv/pay",
          consumers: [{ ...CONSUMER, clone_url: "file:///srv/shop" }],
        },
        "acme/fork": {
          type: "derivative",
          parent_template: { ...PARENT, repo: "acme/base", clone_url: "file:///srv/base" },
        },
        "acme/base": { type: "service_provider", clone_url: "file:///srv/base" },
      },
    },
  ],
  [
    "names in the place of objects, and no version, type or list",
    {
      relationships: {
        "acme/pay": { consumers: ["acme/shop", "acme/app"], derivatives: ["acme/pay-eu"] },
        "acme/pay-us": { parent_template: "acme/pay", consumers: null, derivatives: null },
      },
    },
  ],
  [
    "one name in several spellings",
    {
      relationships: {
        "acme/pay": { consumers: [{ repo: "Acme/Shop" }], derivatives: ["acme/pay-eu"] },
        "acme/pay-eu": { parent_template: { repo: "ACME/Pay", bidirectional: false } },
      },
    },
  ],
  [
    "nulls, which say nothing",
    {
      relationships: {
        "acme/pay": {
          type: null,
          consumers: [
            { ...CONSUMER, description: null, interface_files: null, urgency_mapping: null },
          ],
          parent_template: null,
        },
      },
      notification_settings: null,
    },
  ],
];

type Run = (...words: string[]) => ReturnType<typeof runCli>;

function onDatabase(url: string, input = ""): Run {
  return (...words) => runCli(words, { env: { DATABASE_URL: url }, input });
}

/** What the tables hold, whatever the ids and times. */
async function held(client: Client) {
  return {
    repositories: await query(
      client,
      "select repo_name, repo_type, metadata from triaged.repositories order by 1",
    ),
    relationships: await query(
      client,
      `select source_repo, target_repo, relationship_type, relationship_config
       from triaged.relationships order by 1, 2, 3`,
    ),
    settings: await query(
      client,
      "select name, settings from triaged.relationship_settings order by 1",
    ),
  };
}

async function importAndBack(url: string, client: Client, content: string) {
  const imported = await onDatabase(url, content)("relationships", "import", "-");
  expect(imported).toMatchObject({ code: 0 });
  const first = await held(client);
  const { stdout } = await onDatabase(url)("relationships", "export");
  const again = await onDatabase(url, stdout)("relationships", "import", "-", "--json");
  await client.query("truncate triaged.repositories, triaged.relationship_settings cascade");
  expect(await onDatabase(url, stdout)("relationships", "import", "-")).toMatchObject({ code: 0 });
  return { imported, first, exported: JSON.parse(stdout), again, second: await held(client) };
}

test.for(WHOLE)("%s: an export says what the file said", async ([, file], { url, connect }) => {
  const client = await connect();

  const { first, exported, again, second } = await importAndBack(url, client, JSON.stringify(file));

  expect(exported).toEqual(file);
  expect(second).toEqual(first);
  expect(JSON.parse(again.stdout)).toMatchObject({
    repositories: { created: 0, changed: 0 },
    relationships: { created: 0, changed: 0 },
  });
});

test.for(SHORT)("%s: an export means what the file meant", async ([, file], { url, connect }) => {
  const client = await connect();

  const { first, again, second } = await importAndBack(url, client, JSON.stringify(file));

  expect(second).toEqual(first);
  expect(JSON.parse(again.stdout)).toMatchObject({
    repositories: { created: 0, changed: 0 },
    relationships: { created: 0, changed: 0 },
  });
});

test("differences between the two sides of a derivative are told, and the template's side counts", async ({
  url,
  connect,
}) => {
  const client = await connect();
  const [, file] = WHOLE[0] ?? ["", {}];

  const { imported, first } = await importAndBack(url, client, JSON.stringify(file));

  expect(imported.stderr).toBe(
    "-: parent_template of acme/pay-eu has another shared_concerns than acme/pay lists for it; " +
      "what acme/pay lists counts\n",
  );
  expect(first.relationships.filter((row) => row["target_repo"] === "acme/pay-eu")).toMatchObject([
    { relationship_config: { shared_concerns: ["docker", "logging"] } },
  ]);
});

test("names that differ in case alone are one repository, also one that was registered", async ({
  url,
  connect,
}) => {
  const client = await connect();
  await client.query("select triaged.save_repository('Acme/Shop', 'consumer')");
  const file = JSON.stringify({ relationships: { "acme/pay": { consumers: ["acme/shop"] } } });

  const { stderr } = await onDatabase(url, file)("relationships", "import", "-");

  expect(stderr).toBe("-: acme/shop is taken for Acme/Shop\n");
  expect((await held(client)).relationships).toMatchObject([{ target_repo: "Acme/Shop" }]);
});

test("a file with a byte order mark and carriage returns is one", async ({ url, connect }) => {
  const client = await connect();
  const [, file] = WHOLE[0] ?? ["", {}];
  const text = `\u{FEFF}${JSON.stringify(file, null, 2).replaceAll("\n", "\r\n")}`;

  const { exported } = await importAndBack(url, client, text);

  expect(exported).toEqual(file);
});

test("an export says what changed since the import", async ({ url, connect }) => {
  const client = await connect();
  const [, file] = WHOLE[1] ?? ["", {}];
  await onDatabase(url, JSON.stringify(file))("relationships", "import", "-");
  const triaged = onDatabase(url);
  await triaged(..."relationships remove acme/pay acme/pay-us".split(" "));
  const changed = "relationships add acme/pay acme/pay-eu -t template_fork -c".split(" ");
  await triaged(...changed, '{"sync_strategy": "all"}');
  const before = await held(client);

  const { stdout } = await triaged("relationships", "export");
  await client.query("truncate triaged.repositories, triaged.relationship_settings cascade");
  await onDatabase(url, stdout)("relationships", "import", "-");

  const after = await held(client);
  expect(after.relationships).toEqual(before.relationships);
  expect(after.relationships).toMatchObject([
    { target_repo: "acme/pay-eu", relationship_config: { sync_strategy: "all" } },
  ]);
});

test("an export writes over no file unasked", async ({ url }) => {
  const folder = await makeTemporaryFolder();
  const name = join(folder.path, "relationships.json");
  await writeFile(name, "mine");
  const triaged = onDatabase(url);

  const refused = await triaged("relationships", "export", name);

  expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining("is there already") });
  expect(await readFile(name, "utf8")).toBe("mine");
  expect(await triaged("relationships", "export", name, "--force")).toMatchObject({ code: 0 });
  expect(JSON.parse(await readFile(name, "utf8"))).toEqual({ relationships: {} });
  await folder.remove();
});

test("an export that an import would not take is refused", async ({ url, connect }) => {
  const client = await connect();
  await client.query(
    `select triaged.save_repository('acme/' || n, null, jsonb_build_object('x', repeat('y', 65000)))
     from generate_series(1, 300) as n`,
  );

  expect(await onDatabase(url)("relationships", "export")).toMatchObject({
    code: 64,
    stdout: "",
    stderr: expect.stringMatching(/^error: the file would have \d+ bytes, more than the 16777216 /),
  });
});

test("the settings that hold are shown, with the defaults where the file is silent", async ({
  url,
}) => {
  const settings = {
    digest_schedule: "daily",
    default_urgency_thresholds: { low: { labels: [] } },
  };
  const file = JSON.stringify({ relationships: {}, notification_settings: settings });
  const show = async () =>
    JSON.parse((await onDatabase(url)("relationships", "settings", "--json")).stdout);

  expect(await show()).toMatchObject({ is_default: true, digest_schedule: "weekly" });
  await onDatabase(url, file)("relationships", "import", "-");
  expect(await show()).toMatchObject({
    is_default: false,
    digest_schedule: "daily",
    default_urgency_thresholds: {
      critical: { action: "create_issue_immediately", notify_webhook: true },
      low: { action: "add_to_digest", labels: [], notify_webhook: false },
    },
  });
  expect((await onDatabase(url)("relationships", "settings")).stdout).toMatch(
    /^urgency +action +webhook +labels\ncritical +create_issue_immediately +yes +dependency, urgent, breaking-change\n[^]*\ndigest: daily\n$/,
  );
});
