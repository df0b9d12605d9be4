import produce from "immer";

export const add = (list: readonly string[], item: string): readonly string[] =>
  produce(list, (draft) => {
    draft.push(item);
  });
