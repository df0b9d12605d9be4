const semver = require("semver");

exports.outdated = (installed, latest) =>
  Object.keys(installed).filter((name) => semver.lt(installed[name], latest[name] ?? "0.0.0"));
exports.isMajor = (from, to) => semver.diff(from, to) === "major";
