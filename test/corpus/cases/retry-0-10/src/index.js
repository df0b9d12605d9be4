const retry = require("retry");

console.log(retry.timeouts({ retries: 3, factor: 2, minTimeout: 100 }).join());
