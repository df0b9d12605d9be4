// Goal: docs/metrics.md lists each metric, as it is exposed; dashboard and rules name no other.

import { readFileSync } from "node:fs";
import path from "node:path";
import { Pool } from "pg";
import { pino } from "pino";
import { expect, test } from "vitest";
import { z } from "zod";
import { Replica } from "../../../src/database/replica.ts";
import { Metrics, type MetricsProcess } from "../../../src/metrics/metrics.ts";

const ROOT = path.join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(path.join(ROOT, file), "utf8");
const PAGE = read("docs/metrics.md");

/** The tables of the page, by the processes that they are of. */
const SECTIONS = {
  "Of every process": ["gateway", "worker", "jobs"],
  "Of the gateway": ["gateway"],
  "Of each worker": ["worker"],
  "Of the jobs": ["jobs"],
  "Of the whole queue": ["gateway", "jobs"],
} as const satisfies Record<string, readonly MetricsProcess[]>;

type Listed = { readonly name: string; readonly type: string };

function listedFor(process: MetricsProcess): Listed[] {
  return Object.entries(SECTIONS).flatMap(([heading, of]) => {
    const text = PAGE.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
    return of.some((each) => each === process)
      ? [...text.matchAll(/^\| `(triaged_\w+)` \| (\w+) \|/gm)].map(([, name = "", type = ""]) => ({
          name,
          type,
        }))
      : [];
  });
}

async function exposedBy(process: MetricsProcess): Promise<Listed[]> {
  const logger = pino({ level: "silent" });
  // Nobody answers there: what is exposed does not depend on it.
  const pool = new Pool({ connectionString: "postgres://nobody@127.0.0.1:1/none" });
  const looking = { pool, looks: pool, primary: pool, schema: "triaged", lagMsMax: 5_000, logger };
  const standbys = process === "gateway" ? { replica: new Replica(looking) } : {};
  const queue = process === "worker" ? undefined : { pool, schema: "triaged", logger, ...standbys };
  const metrics = new Metrics({ process, queue });
  const text = await metrics.text();
  metrics.close();
  await pool.end();
  return [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name = "", type = ""]) => ({
    name,
    type,
  }));
}

const byName = (one: Listed, other: Listed) => (one.name < other.name ? -1 : 1);

test.for(["gateway", "worker", "jobs"] as const)(
  "all that %s exposes is listed",
  async (process) => {
    const exposed = await exposedBy(process);
    const ours = exposed.filter(({ name }) => name.startsWith("triaged_"));
    const others = exposed.filter(({ name }) => !name.startsWith("triaged_"));

    expect(ours.toSorted(byName)).toEqual(listedFor(process).toSorted(byName));
    expect(others.filter(({ name }) => !PAGE.includes(`\`${name}\``))).toEqual([]);
  },
);

test.for(["gateway", "worker", "jobs"] as const)(
  "names of %s are as Prometheus wants them",
  async (process) => {
    const wrong = (await exposedBy(process))
      .filter(({ name }) => name.startsWith("triaged_"))
      .filter(
        ({ name, type }) =>
          (type === "counter") !== name.endsWith("_total") ||
          (/duration|_age|_lag/.test(name) && !/_(?:seconds|bytes|total|transactions)$/.test(name)),
      );

    expect(wrong).toEqual([]);
  },
);

const NAME = /\b(?:triaged[_:]|nodejs_|process_|node_)\w+(?::\w+)*/g;
const RULES = read("deploy/prometheus/rules.yml");
const RECORDED = [...RULES.matchAll(/- record: (\S+)/g)].map(([, name = ""]) => name);
/** Of node_exporter. */
const OF_OTHERS = ["node_filesystem_avail_bytes", "node_filesystem_size_bytes"];

function unknownIn(expressions: string): string[] {
  const used = [...expressions.matchAll(NAME)].map(([name]) => name);
  expect(used).not.toEqual([]);
  return used.filter((name) => {
    const metric = name.replace(/_(?:bucket|sum|count)$/, "");
    const isListed = PAGE.includes(`\`${name}\``) || PAGE.includes(`| \`${metric}\` | histogram |`);
    return !(isListed || RECORDED.includes(name) || OF_OTHERS.includes(name));
  });
}

test("each expression of the rules names metrics that exist", () => {
  // Without names of jobs, which are of the configuration.
  expect(unknownIn(RULES.replaceAll(/"[^"]*"|^ *- (?:name|alert):.*$/gm, ""))).toEqual([]);
});

test("each alert is listed", () => {
  const alerts = [...RULES.matchAll(/- alert: (\S+)/g)].map(([, name = ""]) => name);

  expect([...PAGE.matchAll(/^\| `(Triaged\w+)` \|/gm)].map(([, name]) => name)).toEqual(alerts);
});

const Dashboard = z.object({
  panels: z.array(
    z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) }),
  ),
});

test.for(Dashboard.parse(JSON.parse(read("deploy/grafana/triaged.json"))).panels)(
  "the panel $title names metrics that exist",
  ({ targets }) => {
    for (const { expr } of targets) {
      expect(unknownIn(expr.replaceAll(/"[^"]*"/g, ""))).toEqual([]);
    }
  },
);
