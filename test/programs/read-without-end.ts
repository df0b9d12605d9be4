// Reads an item that never ends, in a process that writes its pid into a file.

import { readEach } from "../../src/triage/reading/read-each.ts";

const [pidFile] = process.argv.slice(2);
if (pidFile === undefined) throw new Error("expected a file for the pid");
const reading = { module: import.meta.resolve("./bombs.ts"), name: "makeBomb" };
const { signal } = new AbortController();
await readEach(reading, { shared: pidFile, items: ["a loop"] }, { signal });
