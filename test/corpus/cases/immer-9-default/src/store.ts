import produce, { type Draft } from "immer";

export type State = { readonly items: readonly string[]; readonly busy: boolean };

export function add(state: State, item: string): State {
  return produce(state, (draft: Draft<State>) => {
    draft.items.push(item);
    draft.busy = false;
  });
}
