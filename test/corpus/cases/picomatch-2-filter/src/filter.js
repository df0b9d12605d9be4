const picomatch = require("picomatch");

const isSource = picomatch(["src/**/*.js", "!**/*.test.js"], { dot: true });

exports.sources = (files) => files.filter((file) => isSource(file));

console.log(
  exports.sources(["src/a.js", "src/.b/c.js", "lib/d.js"]),
  picomatch.isMatch("a.md", "*.md"),
);
