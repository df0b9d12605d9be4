import { legacy_createStore, type PreloadedState, type Reducer } from "redux";

type State = { count: number };
const reducer: Reducer<State> = (state = { count: 0 }, action) =>
  action.type === "more" ? { count: state.count + 1 } : state;

export const makeStore = (state?: PreloadedState<State>) => legacy_createStore(reducer, state);
