const parser = require("fast-xml-parser");

console.log(parser.parse("<order><id>7</id></order>").order.id);
