const encodeUrl = require("encodeurl");

console.log(encodeUrl("/files/a|b^c"));
