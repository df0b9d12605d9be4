const mkdirp = require("mkdirp");

mkdirp.sync("out/reports");
console.log("made");
