const { CronTime } = require("cron");

const time = new CronTime("0 0 0 1 0 *", "UTC");
console.log(time.source);
