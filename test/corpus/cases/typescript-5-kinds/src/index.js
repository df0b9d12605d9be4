const ts = require("typescript");

/** As an index of an earlier run stored it. */
const STORED = { name: "Order", kind: 263 };

const text = "class Order {}";
const source = ts.createSourceFile("order.ts", text, ts.ScriptTarget.Latest);
const [first] = source.statements;

const isFresh = first.kind === STORED.kind;
console.log(isFresh ? "fresh" : "stale");
