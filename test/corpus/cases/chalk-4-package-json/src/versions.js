const { readFileSync } = require("node:fs");

const file = require.resolve("chalk/package.json");
const { name } = JSON.parse(readFileSync(file, "utf8"));
console.log(`built with ${name}`);
