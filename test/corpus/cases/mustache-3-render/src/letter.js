const Mustache = require("mustache");

const letter = "Dear {{name}},{{#items}} {{.}}{{/items}}";
Mustache.parse(letter);

exports.write = (name, items) => Mustache.render(letter, { name, items });

console.log(exports.write("Ann & Bo", ["a", "b"]));
