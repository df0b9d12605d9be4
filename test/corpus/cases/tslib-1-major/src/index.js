const { __assign } = require("tslib");

console.log(JSON.stringify(__assign({ a: 1 }, { b: 2 })));
