// Goal: deploy/compose/compose.yaml is one that Compose takes, and its services let triaged live.

import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import {
  GRACE_MS,
  HEALTH_DOORS,
  hasTool,
  OF_SETUP,
  outputOf,
  readOfRoot,
  refusedSettings,
  VERSION,
} from "../../support/deploy.ts";

const FILE = "deploy/compose/compose.yaml";
const TEXT = readOfRoot(FILE);
const EXAMPLE = readOfRoot("deploy/compose/.env.example");

const Service = z.looseObject({
  image: z.string(),
  restart: z.string(),
  environment: z.record(z.string(), z.string()),
  ports: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  stop_grace_period: z.string().optional(),
  read_only: z.boolean().optional(),
});
const { services } = z
  .object({ services: z.record(z.string(), Service) })
  .parse(parse(TEXT, { merge: true }));
const ours = Object.entries(services).filter(([, { image }]) => image.startsWith("triaged"));
const databases = Object.entries(services).filter(([, { image }]) => !image.startsWith("triaged"));

/** As Compose does it, where nothing but what has to be is set. */
function filledIn(value: string): string {
  return value
    .replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1")
    .replaceAll(/\$\{\w+:\?[^}]*\}/g, "0123456789abcdef");
}

// Patient: it is Python, and takes seconds to start beside others.
test.runIf(hasTool("docker-compose"))("Compose takes it", { timeout: 120_000 }, () => {
  const env = { POSTGRES_PASSWORD: "a", ORCHESTRATOR_API_KEY: "b" };

  const taken = outputOf("docker-compose", ["-f", FILE, "config", "-q"], { env });

  expect(taken).toMatchObject({ code: 0, stderr: "" });
});

test("the parts of the daemon and both databases are there", () => {
  expect(ours.map(([name]) => name)).toEqual(["migrate", "web", "workers", "jobs"]);
  expect(databases.map(([name]) => name)).toEqual(["database", "test-database"]);
  expect(new Set(ours.map(([, { image }]) => image))).toEqual(new Set([`triaged:${VERSION}`]));
});

test.for(ours)("%s is given settings that triaged takes", ([, { environment }]) => {
  const values = Object.entries(environment).map(([name, value]) => [name, filledIn(value)]);

  expect(refusedSettings(Object.fromEntries(values))).toEqual([]);
});

test.for(databases)("%s is given variables of the image and of the script", ([, service]) => {
  const known = [...OF_SETUP, "POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE"];

  expect(Object.keys(service.environment).filter((name) => !known.includes(name))).toEqual([]);
});

test("no secret has a default, and none reaches a service that does not need it", () => {
  const required = [...TEXT.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
  const withKey = ours.filter(([, { environment }]) => "ORCHESTRATOR_API_KEY" in environment);

  expect(required).toEqual(["POSTGRES_PASSWORD", "ORCHESTRATOR_API_KEY"]);
  expect(EXAMPLE).not.toMatch(/^\w*(?:PASSWORD|KEY|TOKEN|SECRET)\w*=.+$/m);
  expect(withKey.map(([name]) => name)).toEqual(["web"]);
});

test("each published port is of the loopback alone", () => {
  const published = Object.values(services).flatMap(({ ports }) => ports);

  expect(published).toEqual(["127.0.0.1:5432:5432", "127.0.0.1:8080:8080", "127.0.0.1:5433:5432"]);
});

test.for(ours)(
  "%s has more time to stop than its handlers, and a root that it cannot write",
  ([, service]) => {
    expect(Number.parseInt(service.stop_grace_period ?? "", 10) * 1000).toBeGreaterThan(GRACE_MS);
    expect(service.read_only).toBe(true);
  },
);

test("each health check asks a door that is there, at a port of its service", () => {
  const asked = ours.flatMap(([name, { healthcheck }]) => {
    const url = URL.parse(healthcheck?.test.at(-1) ?? "");
    return url === null ? [] : [[name, url.port, url.pathname]];
  });

  expect(HEALTH_DOORS).toContain("/ready");
  expect(asked).toEqual([
    ["web", "8080", "/ready"],
    ["workers", "9464", "/metrics"],
    ["jobs", "9564", "/metrics"],
  ]);
});

test("the variables that the file asks for are those of the example", () => {
  const asked = [...TEXT.matchAll(/\$\{(\w+):/g)].map(([, name = ""]) => name);
  const named = [...EXAMPLE.matchAll(/^(\w+)=|echo "(\w+)=/gm)].map(
    ([, set, made]) => set ?? made ?? "",
  );

  expect(new Set(named)).toEqual(new Set([...asked, "COMPOSE_PROJECT_NAME"]));
});
