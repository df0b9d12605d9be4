const prettier = require("prettier");

const text = prettier.format("a  =  1", { parser: "babel" });
console.log(text.trim());
