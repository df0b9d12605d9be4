const arg = require("arg");

const args = arg({ "--port": Number, "-p": "--port" }, { argv: ["-p", "80", "x"] });
console.log(args["--port"], args._.join());
