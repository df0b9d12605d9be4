const readPkg = require("read-pkg");

console.log(readPkg.sync("other").name);
