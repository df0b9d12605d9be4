const fg = require("fast-glob");

fg.async(["*.json"]).then((files) => console.log(files.length));
