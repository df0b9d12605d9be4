import { rm } from "node:fs/promises";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { makeTemporaryFolder } from "./folders-and-ports.ts";

/** A PostgreSQL server that tests may fill; `stop` takes back what was started for them. */
export type TestServer = { readonly url: string; readonly stop: () => Promise<void> };

/** Nothing of the tests is worth a disk write; every test may hold some connections. */
const SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: 200,
  max_prepared_transactions: 10,
};

/**
 * The server of TEST_DATABASE_URL, else one in a container where a Docker engine answers,
 * else the embedded one in a temporary folder.
 */
export async function findServer(): Promise<TestServer> {
  const given = process.env["TEST_DATABASE_URL"];
  if (given !== undefined && given !== "") {
    return { url: given, stop: () => Promise.resolve() };
  }
  return (await startContainer()) ?? (await startTemporary());
}

/** Null when no Docker engine answers, or when it cannot get the image. */
async function startContainer(): Promise<TestServer | null> {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  try {
    const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
    const container = await new PostgreSqlContainer("postgres:18")
      .withCommand(["postgres", ...settings])
      .start();
    return {
      url: container.getConnectionUri(),
      stop: async () => {
        await container.stop();
      },
    };
  } catch {
    return null;
  }
}

async function startTemporary(): Promise<TestServer> {
  const folder = await makeTemporaryFolder();
  try {
    const server = await startEmbedded({ folder: `${folder.path}/postgres`, settings: SETTINGS });
    return {
      url: server.url,
      stop: async () => {
        await server.stop();
        await rm(server.home, { recursive: true, force: true });
        await folder.remove();
      },
    };
  } catch (err) {
    await folder.remove();
    throw err;
  }
}
