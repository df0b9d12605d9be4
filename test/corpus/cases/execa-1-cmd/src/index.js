const execa = require("execa");

execa("echo", ["hi"]).then((result) => console.log(result.cmd, result.stdout));
