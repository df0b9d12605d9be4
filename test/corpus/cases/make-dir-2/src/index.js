const makeDir = require("make-dir");
const os = require("node:os");
const path = require("node:path");

const made = makeDir.sync(path.join(os.tmpdir(), "verdict-made/a"));
console.log(path.basename(made));
