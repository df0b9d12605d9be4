import createLogger from "redux-logger";

const logger = createLogger({
  logger: { log: (text) => console.log("log", text) },
  timestamp: false,
  colors: false,
});
const store = { getState: () => ({ a: 1 }), dispatch() {} };
logger(store)((action) => action)({ type: "add" });
