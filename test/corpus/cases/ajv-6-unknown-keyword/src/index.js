const Ajv = require("ajv");

const ajv = new Ajv();
const validate = ajv.compile({ type: "string", example: "ada" });
console.log(validate("grace"));
