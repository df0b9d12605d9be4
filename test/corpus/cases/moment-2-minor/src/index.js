const moment = require("moment");

console.log(moment.utc("2024-02-28").add(1, "day").format("YYYY-MM-DD"));
