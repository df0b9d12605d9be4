const cheerio = require("cheerio");

const $ = cheerio.load("<p class='x'>hi</p>");
$("p").addClass("y");
console.log($.html());
