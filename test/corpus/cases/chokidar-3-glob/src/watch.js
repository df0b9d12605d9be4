import { mkdirSync, writeFileSync } from "node:fs";
import chokidar from "chokidar";

mkdirSync("content", { recursive: true });
writeFileSync("content/about.md", "# About");
const found = [];
const watcher = chokidar.watch("content/*.md", { ignoreInitial: false });
watcher.on("add", (file) => found.push(file));
watcher.on("ready", async () => {
  await watcher.close();
  console.log(found.join(", "));
});
