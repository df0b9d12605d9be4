const createError = require("http-errors");

console.log(createError(404, "no such order").status);
