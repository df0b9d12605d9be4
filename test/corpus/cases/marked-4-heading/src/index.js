const { marked } = require("marked");

const html = marked.parse("# Hello world");
console.log(html.trim());
