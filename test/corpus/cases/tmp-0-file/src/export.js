const { existsSync, writeFileSync } = require("node:fs");
const tmp = require("tmp");

tmp.setGracefulCleanup();

exports.save = (text) => {
  const { name } = tmp.fileSync({ prefix: "export-", postfix: ".csv" });
  writeFileSync(name, text);
  return name;
};

console.log(existsSync(exports.save("a,b")));
