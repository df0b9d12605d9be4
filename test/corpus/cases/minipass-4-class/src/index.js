const Minipass = require("minipass");

const stream = new Minipass({ encoding: "utf8" });
stream.end("done");
console.log(stream.read());
