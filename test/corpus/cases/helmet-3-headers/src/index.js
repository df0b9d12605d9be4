const helmet = require("helmet");

const headers = {};
const res = {
  setHeader: (name, value) => (headers[name] = value),
  removeHeader: () => {},
};
helmet()({ headers: {} }, res, () => console.log(Object.keys(headers).sort().join("\n")));
