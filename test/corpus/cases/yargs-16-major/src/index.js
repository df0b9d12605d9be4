const yargs = require("yargs/yargs");

const argv = yargs(["--port", "80"]).option("port", { type: "number" }).parse();
console.log(argv.port);
