import thunk from "redux-thunk";

export const middleware = [thunk];
console.log(typeof middleware[0]);
