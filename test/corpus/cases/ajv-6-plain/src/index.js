const Ajv = require("ajv");

const validate = new Ajv({ allErrors: true }).compile({
  type: "object",
  properties: { name: { type: "string" } },
  required: ["name"],
});
console.log(validate({ name: "ada" }), validate({}));
