const less = require("less");

less.render("@c: red; .a { color: @c; .b { margin: 0; } }").then(({ css }) => console.log(css));
