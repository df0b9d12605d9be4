const less = require("less");

less.render(".a { width: 10px / 2; }").then(({ css }) => console.log(css));
