const spawn = require("cross-spawn");

console.log(spawn.sync(process.execPath, ["-p", "1 + 1"], { encoding: "utf8" }).stdout.trim());
