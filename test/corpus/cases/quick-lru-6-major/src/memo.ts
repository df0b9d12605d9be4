import QuickLRU from "quick-lru";

const results = new QuickLRU<string, number>({ maxSize: 200 });

export function memo(key: string, compute: () => number): number {
  const known = results.get(key);
  if (known !== undefined) return known;
  const value = compute();
  results.set(key, value);
  return value;
}
