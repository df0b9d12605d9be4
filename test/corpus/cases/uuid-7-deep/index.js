const { createOrder } = require("./lib/orders");

console.log(JSON.stringify(createOrder("ada", [])));
