import { LRUCache } from "lru-cache";

type Options = Partial<Pick<LRUCache.Options<string, string, unknown>, "max" | "ttl">>;

export const make = (options: Options = {}) =>
  new LRUCache<string, string>({ max: 100, ttl: 60_000, ...options });
