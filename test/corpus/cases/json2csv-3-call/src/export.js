const json2csv = require("json2csv");

exports.toCsv = (rows) => json2csv({ data: rows, fields: ["id", "name"] });

console.log(exports.toCsv([{ id: 1, name: "Ann" }]));
