const { addDays, differenceInDays } = require("date-fns");

const start = new Date(2020, 1, 3);
console.log(differenceInDays(addDays(start, 10), start));
