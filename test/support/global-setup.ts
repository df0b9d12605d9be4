import type { TestProject } from "vitest/node";
import { dropDatabase, makeDatabase, migrate, urlOf } from "./databases.ts";
import { findServer } from "./shared-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's connection to some database of the server. */
    serverUrl: string;
    /** A migrated database without tasks and without clients; tests clone it. */
    templateName: string;
  }
}

/** Provide a server with a migrated template, once for all projects that ask for it. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const root = project.vitest.getRootProject();
  if ("serverUrl" in root.getProvidedContext()) {
    return;
  }
  const server = await findServer();
  const made: string[] = [];
  const tearDown = async () => {
    for (const name of made) {
      await dropDatabase(server.url, name);
    }
    await server.stop();
  };
  try {
    const template = await makeDatabase(server.url, "template");
    made.push(template);
    await migrate({ connectionString: urlOf(server.url, template) });
    root.provide("serverUrl", server.url);
    root.provide("templateName", template);
    return tearDown;
  } catch (err) {
    await tearDown();
    throw err;
  }
}
