const cosmiconfig = require("cosmiconfig");

const found = cosmiconfig("mytool", { sync: true }).load(__dirname);
console.log(found.config.a);
