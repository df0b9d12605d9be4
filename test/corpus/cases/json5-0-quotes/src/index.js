const JSON5 = require("json5");

const settings = JSON5.parse("{ name: 'a', // comment\n list: [1, 2,] }");
console.log(JSON5.stringify(settings));
