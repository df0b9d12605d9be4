const linkify = require("linkify-it")();

console.log(
  linkify
    .match("see https://example.com/a and b.org")
    .map(({ url }) => url)
    .join(),
);
