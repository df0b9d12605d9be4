const fs = require("fs-extra");
const os = require("node:os");
const path = require("node:path");

const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "x-")), "deep/a.json");
fs.outputJson(file, { a: 1 })
  .then(() => fs.readJson(file))
  .then((read) => console.log(read.a));
