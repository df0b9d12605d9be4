import QuickLRU from "quick-lru";

const seen = new QuickLRU<string, number>({ maxSize: 100 });
export const count = (word: string): number => seen.get(word) ?? 0;
