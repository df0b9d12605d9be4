const validator = require("validator");

exports.errorsIn = ({ email, site, age }) => [
  ...(validator.isEmail(email) ? [] : ["email"]),
  ...(validator.isURL(site, { protocols: ["https"], require_protocol: true }) ? [] : ["site"]),
  ...(validator.isInt(age, { min: 18 }) ? [] : ["age"]),
];

console.log(exports.errorsIn({ email: "ann@example.com", site: "http://a.example", age: "17" }));
