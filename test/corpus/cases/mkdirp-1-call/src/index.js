const mkdirp = require("mkdirp");

mkdirp("out/reports").then(() => console.log("made"));
