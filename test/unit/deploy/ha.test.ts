// Goal: deploy/ha is taken by the tools that it is for: Compose, PgBouncer, Patroni, HAProxy; and
// what it leads triaged to is what triaged takes.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseDatabaseUrl } from "../../../src/settings/database-url.ts";
import { withClient } from "../../support/databases.ts";
import { hasTool, outputOf, readOfRoot, refusedSettings } from "../../support/deploy.ts";
import { BINARIES } from "../../support/own-servers.ts";
import { hasPgbouncer, startPgbouncerOf } from "../../support/pgbouncer.ts";

const BASE = "deploy/compose/compose.yaml";
const FORMS = {
  "promoted by a person": [BASE, "deploy/ha/compose.yaml"],
  "promoted by Patroni": [BASE, "deploy/ha/compose.yaml", "deploy/ha/patroni.yaml"],
};
const OURS = ["migrate", "web", "workers", "jobs"];
const SECRETS = {
  POSTGRES_PASSWORD: "a",
  ORCHESTRATOR_API_KEY: "0123456789abcdef",
  REPLICATION_PASSWORD: "b",
  PATRONI_SUPERUSER_PASSWORD: "c",
};

const Service = z.looseObject({
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
});
const Composed = z.looseObject({ services: z.record(z.string(), Service) });

function composed(files: readonly string[]) {
  const words = files.flatMap((file) => ["-f", file]);
  const { code, stdout, stderr } = outputOf("docker-compose", [...words, "config"], {
    env: SECRETS,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return Composed.parse(parse(stdout)).services;
}

// Patient: it is Python, and takes seconds to start beside others.
test.runIf(hasTool("docker-compose")).for(Object.entries(FORMS))(
  "Compose takes the form that is %s, and triaged its settings",
  { timeout: 120_000 },
  ([, files]) => {
    const services = composed(files);

    for (const name of OURS) {
      const { environment = {} } = services[name] ?? {};
      expect([name, refusedSettings(environment)]).toEqual([name, []]);
      expect(new URL(environment["DATABASE_URL"] ?? "").host).toBe("pgbouncer:6432");
      const direct = parseDatabaseUrl(environment["DATABASE_DIRECT_URL"] ?? "");
      expect(direct.servers?.wants).toBe("read-write");
      for (const { host } of direct.servers?.hosts ?? []) {
        expect(Object.keys(services)).toContain(host);
      }
    }
    const { environment: web = {} } = services["web"] ?? {};
    const standbys = parseDatabaseUrl(web["DATABASE_REPLICA_URL"] ?? "", undefined, {
      of: "standby",
    });
    expect(standbys.servers?.wants).toBe("standby");
    const published = Object.values(services).flatMap(({ ports }) => ports);
    expect(published.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  },
);

test.runIf(hasPgbouncer)("PgBouncer takes its settings", async () => {
  await using pooler = await startPgbouncerOf(readOfRoot("deploy/ha/pgbouncer/pgbouncer.ini"));

  const settings = await withClient(pooler.adminUrl, async (client) => {
    const { rows } = await client.query<{ key: string; value: string }>("show config");
    return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
  });

  expect(settings).toMatchObject({
    listen_port: "6432",
    pool_mode: "transaction",
    max_client_conn: "1000",
    default_pool_size: "25",
  });
});

test.runIf(hasTool("haproxy"))("HAProxy takes its settings", () => {
  const taken = outputOf("haproxy", ["-c", "-f", "deploy/ha/patroni/haproxy.cfg"]);

  expect([taken.code, taken.stdout + taken.stderr]).toEqual([0, expect.stringContaining("valid")]);
});

test.runIf(hasTool("patroni") && BINARIES !== undefined)("Patroni takes its settings", async () => {
  // It asks whether etcd is there, and looks for the programs of PostgreSQL.
  await using etcd = createServer().listen(0, "127.0.0.1");
  await once(etcd, "listening");
  const { port } = z.object({ port: z.number() }).parse(etcd.address());
  const folder = mkdtempSync("/tmp/triaged-patroni-");
  const file = path.join(folder, "patroni.yml");
  const text = readOfRoot("deploy/ha/patroni/patroni.yml");
  writeFileSync(file, text.replace(/(bin_dir: ).*/, `$1${BINARIES}`));

  const taken = outputOf("patroni", ["--validate-config", file], {
    env: {
      PATRONI_NAME: "database",
      PATRONI_ETCD3_HOSTS: `127.0.0.1:${port}`,
      PATRONI_RESTAPI_CONNECT_ADDRESS: "database:8008",
      PATRONI_POSTGRESQL_CONNECT_ADDRESS: "database:5432",
      PATRONI_SUPERUSER_PASSWORD: "a",
      PATRONI_REWIND_PASSWORD: "a",
      PATRONI_REPLICATION_PASSWORD: "b",
    },
  });
  rmSync(folder, { recursive: true });

  expect(taken).toMatchObject({ code: 0, stdout: "", stderr: "" });
});
