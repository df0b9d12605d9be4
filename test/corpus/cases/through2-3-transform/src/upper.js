const { Readable } = require("node:stream");
const through2 = require("through2");

const upper = through2((chunk, encoding, callback) =>
  callback(null, chunk.toString().toUpperCase()),
);
const numbers = through2.obj(function (row, encoding, callback) {
  this.push({ ...row, id: Number(row.id) });
  callback();
});

Readable.from([Buffer.from("abc")])
  .pipe(upper)
  .on("data", (data) => console.log(String(data)));
Readable.from([{ id: "1" }])
  .pipe(numbers)
  .on("data", (row) => console.log(row.id));
