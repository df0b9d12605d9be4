// Goal: a real Prometheus scrapes a real gateway, worker and jobs, evaluates the rules that are
// shipped without an error, finds something for them, and tells of a database that is gone.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { z } from "zod";
import { createDatabase, test, waitFor } from "../support/connections.ts";
import { urlOf, withPool } from "../support/databases.ts";
import { freePort } from "../support/folders-and-ports.ts";
import { startServe } from "../support/gateway.ts";
import { startCli, startWorkerProcess } from "../support/processes.ts";
import { enqueue } from "../support/tasks.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const RULES = path.join(ROOT, "deploy/prometheus/rules.yml");
const canScrape = existsSync("/usr/bin/prometheus") && existsSync("/usr/bin/promtool");

const promtool = async (...words: string[]) => {
  const { stdout } = await promisify(execFile)("promtool", words, { cwd: ROOT });
  return stdout;
};

test.skipIf(!canScrape)("the rules are well-formed, and fire at their bounds", async () => {
  expect(await promtool("check", "rules", RULES)).toContain("SUCCESS");
  expect(await promtool("test", "rules", "test/fixtures/prometheus/rules-test.yml")).toContain(
    "SUCCESS",
  );
  await promtool("check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml");
});

const RuleGroups = z.object({
  data: z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({ name: z.string(), health: z.string(), lastError: z.string().optional() }),
        ),
      }),
    ),
  }),
});
const Found = z.object({
  status: z.string(),
  data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }),
});
const Panels = z.object({
  panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })) })),
});

/** Start one that scrapes these every second, with the shipped rules. */
async function startPrometheus(targets: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(path.join(tmpdir(), "triaged-prometheus-"));
  const jobs = Object.entries(targets).map(([job_name, target]) => ({
    job_name,
    static_configs: [{ targets: [target] }],
  }));
  const config = path.join(folder, "prometheus.yml");
  const global = { scrape_interval: "1s", evaluation_interval: "1s" };
  // JSON is YAML.
  await writeFile(config, JSON.stringify({ global, rule_files: [RULES], scrape_configs: jobs }));
  const port = await freePort();
  const child = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  const ended = once(child, "exit");
  const ask = async (words: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${words}`);
    return await answer.json();
  };
  const query = async (expression: string) =>
    Found.parse(await ask(`query?query=${encodeURIComponent(expression)}`)).data.result.map(
      ({ metric }) => metric,
    );
  return {
    ask,
    query,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** A way to the database that can be taken away. */
async function wayTo(databaseUrl: string) {
  const { hostname, port: behind, pathname } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const database = connect(Number(behind === "" ? "5432" : behind), hostname);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on("error", () => client.destroy());
    }
    client.pipe(database).pipe(client);
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(urlOf(databaseUrl, pathname.slice(1)));
  url.hostname = "127.0.0.1";
  url.port = String(port);
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: url.href, close };
}

test.skipIf(!canScrape)(
  "Prometheus scrapes each process, and its rules see what happens",
  async () => {
    const { url, drop } = await createDatabase();
    const way = await wayTo(url);
    const metricsPort = await freePort();
    const env = { METRICS_PORT: String(metricsPort) };
    await using serve = await startServe({ DATABASE_URL: way.url });
    await using worker = startWorkerProcess(way.url, { env, args: ["--metrics-offset", "1"] });
    const jobs = startCli(["jobs"], { env: { DATABASE_URL: way.url, ...env } });
    await using prometheus = await startPrometheus({
      "triaged-gateway": new URL(serve.address).host,
      "triaged-workers": `127.0.0.1:${metricsPort + 1}`,
      "triaged-jobs": `127.0.0.1:${metricsPort + 100}`,
    });
    const isUp = async (count: number, expression: string) =>
      (await prometheus.query(expression).catch(() => [])).length >= count;

    await waitFor(() => isUp(3, 'up{job=~"triaged.*"} == 1'), { deadlineMs: 40_000 });
    await withPool(url, async (db) => {
      for (let task = 0; task < 20; task += 1) {
        await enqueue(db, task < 10 ? {} : { task_type: "throw", max_attempts: 1 });
      }
      await enqueue(db, { queue: "nobody" });
    });
    // By the worker's own observations, and, some seconds later, by the rollups.
    await waitFor(() => isUp(1, "triaged_task_run_duration_seconds_count >= 10"), {
      deadlineMs: 20_000,
    });
    await waitFor(() => isUp(1, "triaged:failures:ratio5m > 0.01"), { deadlineMs: 30_000 });
    await waitFor(() => isUp(1, "triaged:statement_duration_seconds:p95 > 0"));
    expect(await isUp(1, "triaged:queued_tasks == 1")).toBe(true);
    expect(await isUp(1, "triaged:claimable_tasks == 1")).toBe(true);
    expect(await isUp(1, 'triaged_job_duration_seconds_count{name="fold-history"} > 0')).toBe(true);
    await waitFor(() => isUp(1, 'ALERTS{alertname="TriagedFailures"}'));

    const rules = RuleGroups.parse(await prometheus.ask("rules")).data.groups.flatMap(
      (group) => group.rules,
    );
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
    const dashboard = readFileSync(path.join(ROOT, "deploy/grafana/triaged.json"), "utf8");
    for (const { targets } of Panels.parse(JSON.parse(dashboard)).panels) {
      for (const { expr } of targets) await prometheus.query(expr);
    }

    way.close();
    const firing = 'ALERTS{alertname="TriagedDatabaseDown", alertstate="firing"}';
    await waitFor(() => isUp(2, firing), { deadlineMs: 40_000 });
    // A process that has no database still tells of itself.
    expect(await isUp(3, 'up{job=~"triaged.*"} == 1')).toBe(true);

    worker.signal("SIGKILL");
    jobs.signal("SIGKILL");
    await jobs.ended;
    await drop();
  },
);
