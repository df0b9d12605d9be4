const { fromString } = require("html-to-text");

console.log(fromString("<p>Hello <b>you</b></p>"));
