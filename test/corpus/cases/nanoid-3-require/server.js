const http = require("node:http");
const { nanoid } = require("nanoid");

http
  .createServer((request, response) => {
    const id = request.headers["x-request-id"] ?? nanoid(12);
    response.setHeader("x-request-id", id);
    response.end();
  })
  .listen(3000);
