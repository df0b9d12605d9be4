const YAML = require("yaml");

YAML.scalarOptions.str.fold.lineWidth = 0;
console.log(YAML.stringify({ text: "long" }).trim());
