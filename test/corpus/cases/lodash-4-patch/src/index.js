const _ = require("lodash");

console.log(JSON.stringify(_.groupBy([1, 2, 3], (value) => (value % 2 ? "odd" : "even"))));
