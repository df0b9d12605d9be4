// The commands of relationships and notifications.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { runCli, runJson } from "../support/processes.ts";
import { query } from "../support/tasks.ts";

const FILE = {
  version: "1.0.0",
  relationships: {
    "owner/provider": {
      type: "service_provider",
      consumers: [{ repo: "owner/consumer", description: "calls it", interface_files: ["a.ts"] }],
      derivatives: [{ repo: "owner/fork", bidirectional: true }],
    },
  },
  notification_settings: { digest_schedule: "weekly" },
};

function onDatabase(url: string, input?: unknown) {
  const stdin = input === undefined ? {} : { input: JSON.stringify(input) };
  return (...words: string[]) => runCli(words, { env: { DATABASE_URL: url }, ...stdin });
}

const counts = (created: number, changed: number, unchanged: number) => ({
  created,
  changed,
  unchanged,
});

test("an import changes what has changed, and nothing else", async ({ url, connect }) => {
  const folder = await makeTemporaryFolder();
  const file = join(folder.path, "relationships.json");
  const write = (content: unknown) => writeFile(file, JSON.stringify(content));
  await write(FILE);
  const client = await connect();

  expect(await runJson(url, ["relationships", "import", file, "--dry-run"])).toEqual({
    dry_run: true,
    repositories: counts(3, 0, 0),
    relationships: counts(2, 0, 0),
    notification_settings: "created",
  });
  expect(await query(client, "select from triaged.repositories")).toEqual([]);
  expect((await onDatabase(url)("relationships", "import", file)).stdout).toBe(
    "relationships: 2 created, 0 changed, 0 unchanged\n" +
      "repositories:  3 created, 0 changed, 0 unchanged\n" +
      "notification_settings: created\n",
  );
  const rows = await query(client, "select * from triaged.relationships order by target_repo");
  expect(await runJson(url, ["relationships", "import", file])).toMatchObject({
    repositories: counts(0, 0, 3),
    relationships: counts(0, 0, 2),
    notification_settings: "unchanged",
  });
  expect(await query(client, "select * from triaged.relationships order by target_repo")).toEqual(
    rows,
  );

  const changed = structuredClone(FILE);
  changed.relationships["owner/provider"].derivatives = [];
  changed.relationships["owner/provider"].consumers[0]?.interface_files.push("b.ts");
  await write(changed);
  expect(await runJson(url, ["relationships", "import", `@${file}`])).toMatchObject({
    relationships: counts(0, 1, 0),
  });
  expect(await runJson(url, ["relationships", "list"])).toHaveLength(2);
  await folder.remove();
});

test("a file that is wrong is refused as a whole, with each place", async ({ url, connect }) => {
  const client = await connect();
  const wrong = {
    relationships: {
      "owner/a": { consumers: [{ repo: "owner/b" }, { repo: "c" }] },
      "owner/d": { consumers: [{ repo: "owner/b", urgency_mapping: { endpoints: "huge" } }] },
    },
  };

  const { code, stderr } = await onDatabase(url, wrong)("relationships", "import", "-");

  expect(code).toBe(64);
  expect(stderr).toMatch(
    /^error: - has 2 problems\n {2}relationships\["owner\/a"\]\.consumers\[1\]\.repo: .*\n {2}relationships\["owner\/d"\].*\nhint: nothing was imported; .*\n$/,
  );
  expect(await query(client, "select from triaged.repositories")).toEqual([]);
  // Right by itself, and refused by the database: nothing of it stays.
  const login = {
    "owner/a": { clone_url: "https://u:pw@host/a", consumers: [{ repo: "owner/b" }] },
  };
  const refused = await onDatabase(url, {
    relationships: { "owner/x": { consumers: [{ repo: "owner/y" }] }, ...login },
  })("relationships", "import", "-");
  expect(refused).toMatchObject({ code: 64 });
  expect(refused.stderr).toContain("error: clone_url holds a login");
  expect(refused.stderr).not.toContain("pw");
  expect(await query(client, "select from triaged.repositories")).toEqual([]);
});

test("keys that nothing reads are kept, and told with what was probably meant", async ({ url }) => {
  const file = {
    version: "1.0.0",
    relationship: {},
    relationships: {
      "owner/provider": {
        clone_ulr: "file:///srv/provider",
        consumers: [{ repo: "owner/consumer", interface_file: ["a.ts"], hosts: ["api"] }],
        derivatives: [{ repo: "owner/fork", sync_startegy: "all", path_map: {} }],
      },
    },
  };

  const imported = await onDatabase(url, file)("relationships", "import", "-");
  const added = await onDatabase(url)(
    ..."relationships add owner/provider owner/shop --config".split(" "),
    '{"shared_concerns": ["docker"], "on_uncertain": "ask"}',
  );

  expect(imported).toMatchObject({ code: 0 });
  expect(imported.stderr.split("\n")).toEqual([
    "-: nothing reads relationship; did you mean relationships?",
    '-: nothing reads relationships["owner/provider"].clone_ulr; did you mean clone_url?',
    '-: nothing reads relationships["owner/provider"].consumers[0].interface_file; ' +
      "did you mean interface_files?",
    '-: nothing reads relationships["owner/provider"].derivatives[0].sync_startegy; ' +
      "did you mean sync_strategy?",
    "",
  ]);
  expect(await runJson(url, ["relationships", "list", "owner/consumer"])).toMatchObject([
    { relationship_config: { interface_file: ["a.ts"] } },
  ]);
  expect(added).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^--config: nothing reads shared_concerns(?:; did .*)?\n$/),
  });
});

test("relationships are added, listed and removed", async ({ url }) => {
  const triaged = onDatabase(url);
  const config = '{"description": "calls it"}';

  expect(
    await triaged("relationships", "add", "owner/api", "owner/shop", "--config", config),
  ).toMatchObject({ code: 0, stdout: "owner/api -> owner/shop (api_consumer) is created\n" });
  expect(
    await runJson(url, [
      ..."relationships add owner/api owner/shop --source-url file:///srv/api -c".split(" "),
      config,
    ]),
  ).toEqual({
    source_repo: "owner/api",
    target_repo: "owner/shop",
    relationship_type: "api_consumer",
    outcome: "changed",
  });
  const again = "relationships add owner/api owner/shop --source-url file:///srv/moved";
  expect((await triaged(...again.split(" "))).stdout).toContain(" is changed\n");
  const mistyped = await triaged(
    "relationships",
    "add",
    "owner/apy",
    "owner/fork",
    "-t",
    "template_fork",
  );
  expect(mistyped.stderr).toBe("owner/apy is new; did you mean owner/api?\n");
  const other = await triaged(
    "relationships",
    "add",
    "owner/apy",
    "owner/spot",
    "-t",
    "template_fork",
  );
  expect(other.stderr).toBe("");

  expect(await runJson(url, ["relationships", "list", "owner/shop"])).toMatchObject([
    {
      source_repo: "owner/api",
      target_repo: "owner/shop",
      relationship_config: { description: "calls it", source_clone_url: "file:///srv/moved" },
    },
  ]);
  expect((await triaged("relationships", "list", "--type", "api_consumer")).stdout).toMatch(
    /^source +target +type +changed +description\nowner\/api +owner\/shop +api_consumer +\S+ \S+ +calls it\n$/,
  );
  expect(await triaged("relationships", "list", "owner/shopp")).toMatchObject({
    code: 64,
    stderr: "error: owner/shopp is not registered\nhint: did you mean owner/shop?\n",
  });
  expect(await triaged("relationships", "remove", "owner/api", "owner/chop")).toMatchObject({
    code: 64,
    stderr:
      "error: there is no such relationship of owner/chop to owner/api\nhint: did you mean owner/shop?\n",
  });
  expect(await runJson(url, ["relationships", "remove", "owner/api", "owner/shop"])).toEqual({
    source_repo: "owner/api",
    target_repo: "owner/shop",
    removed: 1,
  });
});

test("a slip in an address or in a name is answered with what was meant", async ({ url }) => {
  const add = (...words: string[]) =>
    onDatabase(url)("relationships", "add", "owner/api", ...words);

  expect(await add("owner/shop", "--source-url", "/srv/api")).toMatchObject({
    code: 64,
    stderr:
      'error: expected clone_url to be a URL of git, got "/srv/api"\n' +
      "hint: A folder is file:///srv/api\n",
  });
  expect(await add("owner/api")).toMatchObject({
    code: 64,
    stderr:
      "error: expected two repositories, got owner/api twice\n" +
      "hint: First the one that changes, then the one that depends on it.\n",
  });
});

test("a change that is told twice is one notification", async ({ url }) => {
  const event = { source_repo: "o/a", commit_sha: "1", commit_message: "m", branch: "main" };
  const triaged = onDatabase(url, event);

  const first = await triaged("notify", "-", "--json");
  expect(JSON.parse(first.stdout)).toEqual({ task_id: expect.any(Number), outcome: "created" });
  expect((await triaged("notify", "-")).stdout).toMatch(
    /^task \d+ tells of this change already; nothing was enqueued\n$/,
  );
  expect(await onDatabase(url, { ...event, branch: null })("notify", "-")).toMatchObject({
    code: 64,
    stderr: expect.stringMatching(/^error: expected the event to have the text branch\nhint: /),
  });
});
