import LRUCache from "lru-cache";

const users = new LRUCache<string, { name: string }>({ max: 500, ttl: 60_000 });

export function rememberUser(id: string, name: string): void {
  users.set(id, { name });
}

export const userName = (id: string): string | undefined => users.get(id)?.name;
