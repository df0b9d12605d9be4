const debug = require("debug")("app:server");

exports.handle = (request, response) => {
  debug("%s %s", request.method, request.url);
  response.end("ok");
};
