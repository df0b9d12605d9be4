const Busboy = require("busboy");

function fieldsOf(request, done) {
  const fields = {};
  const busboy = new Busboy({ headers: request.headers });
  busboy.on("field", (name, value) => {
    fields[name] = value;
  });
  busboy.on("finish", () => done(fields));
  request.pipe(busboy);
}

const { Readable } = require("node:stream");
const request = Readable.from(["a=1&b=2"]);
request.headers = { "content-type": "application/x-www-form-urlencoded" };
fieldsOf(request, (fields) => console.log(fields));
