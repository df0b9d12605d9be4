import { enableMapSet, produce } from "immer";

enableMapSet();

export type Cart = { readonly lines: ReadonlyMap<string, number> };

export const put = (cart: Cart, sku: string, count: number): Cart =>
  produce(cart, (draft) => {
    draft.lines.set(sku, (draft.lines.get(sku) ?? 0) + count);
  });
