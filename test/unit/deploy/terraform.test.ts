// Goal: deploy/terraform is HCL that is formatted, and says what the sources asked for. Whether
// Google takes it, only `terraform plan` knows, with providers from the internet.

import { globSync } from "node:fs";
import { parse } from "@cdktf/hcl2json";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  HEALTH_DOORS,
  hasTool,
  outputOf,
  readOfRoot,
  refusedSettings,
} from "../../support/deploy.ts";

const FOLDER = "deploy/terraform";
const FILES = globSync(`${FOLDER}/*.tf`);
const MAIN = readOfRoot(`${FOLDER}/main.tf`);
/** Cloud Run kills so long after SIGTERM. */
const CLOUD_RUN_STOP_MS = 10_000;

const Main = z.object({
  locals: z.array(z.record(z.string(), z.unknown())),
  resource: z.record(z.string(), z.record(z.string(), z.array(z.unknown()))),
});

async function parsed() {
  const { locals, resource } = Main.parse(await parse("main.tf", MAIN));
  const [first = {}] = locals;
  const settings = z.record(z.string(), z.string()).parse(first["settings"]);
  return { settings, connections: Number(first["max_connections"]), resource };
}

test.for(FILES)("%s is HCL", async (file) => {
  await expect(parse(file, readOfRoot(file))).resolves.toBeTypeOf("object");
});

test.runIf(hasTool("terraform", { inCi: false }))("Terraform would format nothing anew", () => {
  expect(outputOf("terraform", [`-chdir=${FOLDER}`, "fmt", "-check"])).toMatchObject({
    code: 0,
    stdout: "",
  });
});

test("the machine is the smallest, with 30 GB", async () => {
  const { resource } = await parsed();

  expect(resource["google_compute_instance"]?.["database"]).toMatchObject([
    {
      machine_type: "e2-micro",
      boot_disk: [{ initialize_params: [{ size: 30 }] }],
    },
  ]);
});

test("triaged takes the settings, and stops before it is killed", async () => {
  const { settings } = await parsed();
  const { POSTGRES_HOST: _, ...written } = settings;

  expect(refusedSettings({ ...written, POSTGRES_HOST: "10.20.0.2" })).toEqual([]);
  expect(Number(settings["SHUTDOWN_GRACE_MS"])).toBeLessThan(CLOUD_RUN_STOP_MS);
});

test("all connections fit into the server's 50", async () => {
  const { settings, connections } = await parsed();
  const pool = Number(settings["DB_POOL_SIZE"]);
  const [workers, jobs, gateway, listener] = [2 * (2 * pool + 2), 8, pool + 3, 2];

  expect(connections).toBe(50);
  // Three are kept for superusers; one command of an operator takes two.
  expect(workers + jobs + gateway + listener + 2).toBeLessThanOrEqual(connections - 3);
});

test("probes ask doors that need no key and no database", () => {
  const paths = [...MAIN.matchAll(/path += "(\/[^"]*)"/g)].map(([, door = ""]) => door);

  expect(paths).toEqual(["/health", "/health"]);
  expect(HEALTH_DOORS).toEqual(expect.arrayContaining(paths));
});

test("no secret is in the state", () => {
  const made = MAIN.match(/^(?:resource|ephemeral) "random_password"/gm);

  expect(made).toEqual(['ephemeral "random_password"']);
  expect(MAIN).not.toMatch(/\bsecret_data +=/);
});

test("the variables of the startup script are those that it is given", () => {
  const script = readOfRoot(`${FOLDER}/startup.sh.tftpl`);
  const used = [...script.matchAll(/(?<!\$)\$\{(\w+)\}/g)].map(([, name = ""]) => name);
  const call = /templatefile\([^,]+, \{(.*?)\n {2}\}\)/s.exec(MAIN)?.[1] ?? "";
  const given = [...call.matchAll(/^ +(\w+) +=/gm)].map(([, name = ""]) => name);

  expect(new Set(used)).toEqual(new Set(given));
});
