// Goal: an advisory against what production installs fails the audit; a registry without answers
// does not, and is told of.
// Method: `npm run audit` against a registry of this test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { serve } from "../../support/http-servers.ts";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");
/** Of npm, which keeps advisories: one for each audit. */
const caches = mkdtempSync(path.join(tmpdir(), "triaged-audit-"));
afterAll(() => rmSync(caches, { recursive: true, force: true }));

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function audit(handler: Handler): Promise<{ code: unknown; said: string }> {
  await using registry = await serve(handler);
  const child = spawn(process.execPath, [path.join(ROOT, "scripts", "audit.ts")], {
    cwd: ROOT,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      npm_config_registry: registry.url,
      npm_config_cache: mkdtempSync(path.join(caches, "npm-")),
      npm_config_fetch_retries: "0",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const said = await text(child.stdout);
  const [code]: unknown[] = await exited;
  return { code, said };
}

/** A registry that knows of this against every version of tar. */
function advising(severity: string): Handler {
  const advisories = {
    tar: [
      { id: 1, url: "https://example.org/1", title: "a hole", severity, vulnerable_versions: "*" },
    ],
  };
  return (request, response) => {
    const answers = request.url === "/-/npm/v1/security/advisories/bulk";
    response.statusCode = answers ? 200 : 404;
    response.end(JSON.stringify(answers ? advisories : {}));
  };
}

test.for(["high", "critical"])("an advisory that is %s fails the audit", async (severity) => {
  const { code, said } = await audit(advising(severity));

  expect(said).toContain(`${severity}: tar `);
  expect(code).toBe(1);
});

test("a moderate advisory is told, and fails nothing", async () => {
  const { code, said } = await audit(advising("moderate"));

  expect(said).toContain("moderate: tar ");
  expect(code).toBe(0);
});

test.for<[string, Handler]>([
  ["has no audits", (_, response) => void response.writeHead(405).end()],
  ["answers nonsense", (_, response) => void response.end("<html>")],
  ["hangs up", (_, response) => void response.destroy()],
])("a registry that %s is told of, without its address", async ([, handler]) => {
  const { code, said } = await audit(handler);

  expect(said).toMatch(/^not checked: the registry answers no audits \(\w+/);
  expect(said).not.toContain("127.0.0.1");
  expect(code).toBe(0);
});
