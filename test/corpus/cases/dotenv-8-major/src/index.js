const dotenv = require("dotenv");

console.log(JSON.stringify(dotenv.parse("REGION=eu\nPORT=8080")));
