const sanitizeHtml = require("sanitize-html");

exports.comment = (html) => sanitizeHtml(html);

console.log(exports.comment("<h1>Hello</h1><p>world</p>"));
