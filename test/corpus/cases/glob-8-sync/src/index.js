const glob = require("glob");

console.log(glob.sync("src/*.js").join(" "));
