const strip = require("strip-json-comments");

console.log(JSON.parse(strip('{"a": 1 /* one */}')).a);
