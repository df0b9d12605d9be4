const parser = require("yargs-parser");

const { port, verbose, _ } = parser(["--port", "80", "-v", "x"], {
  alias: { verbose: ["v"] },
  boolean: ["verbose"],
});
console.log(port, verbose, _.join());
