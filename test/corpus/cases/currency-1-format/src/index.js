const currency = require("currency.js");

console.log(currency("1234.5").add(1).format());
