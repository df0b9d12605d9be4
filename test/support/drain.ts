import { fileURLToPath } from "node:url";
import { runCli } from "./cli.ts";

/** Handlers for tests: one for each way to end. */
export const HANDLERS = fileURLToPath(new URL("../fixtures/handlers", import.meta.url));

/** Work off what is due in a queue, with the handlers for tests; throws unless it exits 0. */
export async function drain(url: string, { queue = "default" } = {}): Promise<void> {
  const { code, stderr } = await runCli(
    ["work", "--drain", "--tasks", HANDLERS, "--queue", queue, "--name", "drainer"],
    { env: { DATABASE_URL: url, LOG_LEVEL: "error" } },
  );
  if (code !== 0) {
    throw new Error(`expected the worker to exit with 0, got ${code}: ${stderr}`);
  }
}
