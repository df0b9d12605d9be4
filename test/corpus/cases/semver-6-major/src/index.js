const semver = require("semver");

console.log(semver.satisfies("1.2.3", "^1.0.0"), semver.gt("2.0.0", "1.9.9"));
