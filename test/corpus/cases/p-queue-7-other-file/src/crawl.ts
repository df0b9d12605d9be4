import { queue } from "./queue.js";

export const crawl = async (urls: readonly string[]) =>
  await Promise.all(urls.map((url) => queue.add(async () => (await fetch(url)).status)));
