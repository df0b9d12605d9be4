const supportsColor = require("supports-color");

const paint = supportsColor.stdout ? (text) => `\u001B[31m${text}\u001B[39m` : (text) => text;

exports.fail = (text) => console.log(paint(text));

exports.fail("failed");
