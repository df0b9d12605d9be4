const { diffWords } = require("diff");

console.log(
  diffWords("foo bar baz", "foo qux baz")
    .map(({ value }) => value)
    .join("|"),
);
