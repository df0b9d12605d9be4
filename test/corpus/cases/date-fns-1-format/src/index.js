const { format } = require("date-fns");

console.log(format(new Date(2020, 1, 3), "YYYY-MM-DD"));
