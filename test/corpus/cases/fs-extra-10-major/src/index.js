const fs = require("fs-extra");

fs.ensureDirSync("out");
fs.writeJsonSync("out/a.json", { a: 1 });
console.log(fs.readJsonSync("out/a.json").a);
fs.removeSync("out");
