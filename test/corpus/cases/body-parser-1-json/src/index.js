const bodyParser = require("body-parser");

console.log(bodyParser.json({ limit: "1mb" }).name);
