const parser = require("cron-parser");

const times = parser.parseExpression("0 0 1 * *", {
  currentDate: new Date("2024-01-15T00:00:00Z"),
  tz: "UTC",
});
console.log(times.next().toISOString());
