// Starts the embedded server of the folder given, says so on stdout, and stays: a process
// that tests can kill while it holds a server.

import { startEmbedded } from "../../src/database/embedded/server.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  throw new Error("expected a folder");
}
const { pid, url } = await startEmbedded({ folder });
process.stdout.write(`${JSON.stringify({ pid, url })}\n`);
