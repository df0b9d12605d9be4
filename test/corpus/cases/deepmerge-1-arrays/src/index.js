const merge = require("deepmerge");

const defaults = { plugins: ["a", "b"], level: 1 };
console.log(JSON.stringify(merge(defaults, { plugins: ["a"], level: 2 })));
