const tar = require("tar");
const os = require("node:os");
const path = require("node:path");

const file = path.join(os.tmpdir(), "verdict-a.tgz");
tar.c({ gzip: true, file, sync: true }, ["package.json"]);
const names = [];
tar.t({ file, sync: true, onentry: (entry) => names.push(entry.path) });
console.log(names.join());
