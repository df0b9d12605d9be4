import type { Store } from "./store.js";

export const forget = (store: Store, id: string): boolean => store.del(id);
