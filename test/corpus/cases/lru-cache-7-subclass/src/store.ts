import LRUCache from "lru-cache";

export class Store extends LRUCache<string, string> {
  constructor() {
    super({ max: 100 });
  }
}
