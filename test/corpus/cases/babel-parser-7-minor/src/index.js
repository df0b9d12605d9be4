const { parse } = require("@babel/parser");

console.log(parse("const a = 1;").program.body.length);
