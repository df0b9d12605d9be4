const bytes = require("bytes");

console.log(`at most ${bytes(1024 * 100)}`);
