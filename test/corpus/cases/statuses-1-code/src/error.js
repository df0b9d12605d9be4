const statuses = require("statuses");

exports.describe = (code) => ({ code, text: statuses[code] ?? "unknown" });

console.log(exports.describe(404).text);
