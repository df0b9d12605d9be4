import { createSelector } from "reselect";

type State = { items: number[] };
const total = createSelector(
  (state: State) => state.items,
  (items) => items.reduce((sum, one) => sum + one, 0),
);
console.log(total({ items: [1, 2] }));
