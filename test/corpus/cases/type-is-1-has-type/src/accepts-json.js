const typeis = require("type-is");

exports.acceptsJson = (request) => {
  if (!typeis.hasBody(request)) return false;
  return typeis(request, ["json", "+json"]) !== false;
};
