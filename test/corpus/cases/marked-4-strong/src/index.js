const { marked } = require("marked");

console.log(marked.parse("a **bold** word").trim());
