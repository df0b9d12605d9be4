const { createStore } = require("redux");

const store = createStore((state = 0, action) => (action.type === "more" ? state + 1 : state));
store.dispatch({ type: "more" });
console.log(store.getState());
