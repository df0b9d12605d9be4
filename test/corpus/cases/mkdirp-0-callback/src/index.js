const mkdirp = require("mkdirp");

mkdirp("out/logs", (error) => {
  if (error) throw error;
  console.log("made");
});
