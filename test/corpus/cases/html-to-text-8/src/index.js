const { htmlToText } = require("html-to-text");

console.log(htmlToText("<h1>Title</h1><p>text</p>"));
