const marked = require("marked");

console.log(marked("**bold**").trim());
