const stripAnsi = require("strip-ansi");

const width = (text) => stripAnsi(text).length;
console.log(width("\u001b[1mbold\u001b[0m"));
