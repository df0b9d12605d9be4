import LRUCache from "lru-cache";

export const sessions = new LRUCache<string, { user: string }>({ max: 500 });
