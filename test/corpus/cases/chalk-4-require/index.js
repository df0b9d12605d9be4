const chalk = require("chalk");
const { report } = require("./report.js");

report(
  [
    { name: "build", ok: true },
    { name: "lint", ok: false },
  ],
  chalk,
);
