const jwt = require("jsonwebtoken");

const token = jwt.sign({ sub: "ada" }, "a secret of some length, for tests");
console.log(jwt.verify(token, "a secret of some length, for tests").sub);
