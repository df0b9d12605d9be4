const queryString = require("query-string");

console.log(
  queryString.stringify({ b: 1, a: [2, 3] }),
  JSON.stringify(queryString.parse("a=1&a=2")),
);
