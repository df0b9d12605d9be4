const { execSync } = require("node:child_process");
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require("node:fs");

const { clean } = JSON.parse(readFileSync("package.json", "utf8")).scripts;
mkdirSync("dist", { recursive: true });
writeFileSync("dist/index.js.map", "");
const bin = existsSync("node_modules/rimraf/bin.js") ? "bin.js" : "dist/esm/bin.mjs";
execSync(clean.replace("rimraf", `node node_modules/rimraf/${bin}`), { stdio: "ignore" });
console.log(existsSync("dist/index.js.map") ? "left" : "gone");
