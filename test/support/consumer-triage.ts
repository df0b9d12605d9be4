import { join } from "node:path";
import { vi } from "vitest";
import type { HandlerContext } from "../../src/model/handler.ts";
import { type TriageResult, triageResult } from "../../src/triage/facts/result.ts";
import handler from "../../tasks/consumer_triage.ts";
import { makeHandlerContext } from "./handlers.ts";
import { test as base, makeRepository, type Repository } from "./repository.ts";

export type Given = {
  readonly event?: object;
  readonly config?: object;
  readonly context?: Partial<HandlerContext>;
};

/**
 * A test that can triage a change of `repository`, acme/provider, for acme/consumer: both are
 * below GITHUB_CLONE_BASE, as they would be on a host.
 */
export const test = base.extend<{
  consumer: Repository;
  triage: (headSha: string, given?: Given) => Promise<TriageResult>;
}>({
  consumer: async ({ folder }, use) => {
    await use(await makeRepository(join(folder, "hosted", "acme", "consumer")));
  },
  triage: async ({ config: repositories }, use) => {
    vi.stubEnv("GITHUB_CLONE_BASE", repositories.cloneBase);
    vi.stubEnv("REPO_CACHE_DIR", repositories.cacheFolder);
    await use(async (headSha, { event = {}, config = {}, context = {} } = {}) => {
      const payload = handler.payload.parse({
        source_repo: "acme/provider",
        target_repo: "acme/consumer",
        change_event: {
          source_repo: "acme/provider",
          commit_sha: headSha,
          commit_message: "change",
          branch: "main",
          ...event,
        },
        relationship_config: config,
      });
      return triageResult.parse(await handler.run(payload, makeHandlerContext(context)));
    });
    vi.unstubAllEnvs();
  },
});

/** A service and what changes of it: a route goes, a variable is renamed, the port moves. */
export const SERVICE = {
  "package.json": '{ "name": "provider", "private": true }\n',
  "src/server.ts": `import express from "express";

const app = express();
app.get("/v1/orders/:id", (request, response) => response.json({}));
app.get("/v1/customers", (request, response) => response.json([]));
app.listen(8080);
`,
  ".env.example": "ORDERS_SIGNING_SECRET=change-me\n",
  Dockerfile: 'FROM node:24-slim\nEXPOSE 8080\nCMD ["node", "src/server.ts"]\n',
};

export const CHANGED_SERVICE = {
  "src/server.ts": `import express from "express";

const app = express();
app.get("/v1/customers", (request, response) => response.json([]));
app.listen(9090);
`,
  ".env.example": "ORDERS_SIGNATURE_KEY=change-me\n",
  Dockerfile: 'FROM node:24-slim\nEXPOSE 9090\nCMD ["node", "src/server.ts"]\n',
};

/** A consumer that meets each of them in another file, and one file that meets none. */
export const CALLER = {
  "package.json": '{ "name": "consumer" }\n',
  "src/orders.ts": `const base = "http://provider:8080";

export const order = async (id: string) => (await fetch(\`\${base}/v1/orders/\${id}\`)).json();
`,
  "deploy/provider.env": "ORDERS_SIGNING_SECRET=s3cret\n",
  "src/unrelated.ts": "export const report = 8081;\n",
};

/** Commit the service before and after its change. */
export async function changeService(repository: Repository) {
  const before = await repository.commit(SERVICE);
  const head = await repository.commit(CHANGED_SERVICE, "feat!: move the service");
  return { base: before, head };
}
