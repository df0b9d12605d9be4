const which = require("which");

console.log(which.sync("node", { nothrow: true }) !== null);
