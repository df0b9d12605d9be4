const { SourceMapConsumer } = require("source-map");

const map = { version: 3, sources: ["a.js"], names: [], mappings: "AAAA", file: "b.js" };
const consumer = new SourceMapConsumer(map);
console.log(consumer.originalPositionFor({ line: 1, column: 0 }).source);
