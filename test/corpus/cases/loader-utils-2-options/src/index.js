const { getOptions } = require("loader-utils");

function loader(source) {
  return `${getOptions(this)?.banner ?? ""}${source}`;
}

console.log(loader.call({ query: { banner: "// made\n" } }, "x").length);
