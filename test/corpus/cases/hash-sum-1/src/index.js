const sum = require("hash-sum");

console.log(sum({ a: 1 }), sum("a text"));
