const Joi = require("joi");

const schema = Joi.object().keys({ name: Joi.string().required() });
const { error } = Joi.validate({ name: "x" }, schema);
console.log(error === null);
