const postcss = require("postcss");

const root = postcss.parse("a { color: black }");
root.walkDecls("color", (declaration) => (declaration.value = "white"));
console.log(root.toString());
