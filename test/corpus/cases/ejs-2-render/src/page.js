const ejs = require("ejs");

const page = ejs.compile(
  "<h1><%= title %></h1><% for (const one of items) { %><li><%= one %></li><% } %>",
);

exports.render = (title, items) => page({ title, items });
exports.greet = (name) => ejs.render("Hello <%= name %>", { name });

console.log(exports.render("a & b", ["x"]), exports.greet("Ann"));
