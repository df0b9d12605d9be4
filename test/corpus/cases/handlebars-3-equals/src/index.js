const Handlebars = require("handlebars");

const template = Handlebars.compile("<a href={{url}}>");
console.log(template({ url: "/a?b=c" }));
