const normalizeUrl = require("normalize-url");

console.log(normalizeUrl("HTTP://www.Example.com:80/a/?b=1&a=2#top", { stripHash: true }));
