import pLimit from "p-limit";

const limit = pLimit(5);

export const fetchAll = (urls: string[]): Promise<string[]> =>
  Promise.all(urls.map((url) => limit(async () => (await fetch(url)).text())));
