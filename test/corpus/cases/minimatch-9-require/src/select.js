const { minimatch } = require("minimatch");

console.log(["a.md", "b.ts"].filter((file) => minimatch(file, "*.md")).join(" "));
