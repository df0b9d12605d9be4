const minimist = require("minimist");

console.log(JSON.stringify(minimist(["--port", "80", "--no-color"])));
