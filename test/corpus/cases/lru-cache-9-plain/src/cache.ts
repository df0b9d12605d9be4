import { LRUCache } from "lru-cache";

const pages = new LRUCache<string, string>({ max: 100, ttl: 5 * 60_000 });

export function page(path: string, render: () => string): string {
  const known = pages.get(path);
  if (known !== undefined) return known;
  const made = render();
  pages.set(path, made);
  return made;
}
