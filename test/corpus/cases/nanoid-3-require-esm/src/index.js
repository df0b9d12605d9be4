const { nanoid } = require("nanoid");

console.log(nanoid(10).length);
