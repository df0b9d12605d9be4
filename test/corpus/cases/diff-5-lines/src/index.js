const { diffLines } = require("diff");

console.log(
  diffLines("a\nb\n", "a\nc\n")
    .map(({ value, added }) => (added ? "+" : "") + value.trim())
    .join(),
);
