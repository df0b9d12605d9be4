const yup = require("yup");

const schema = yup.object({ tags: yup.array().of(yup.string()).required() });
console.log(schema.isValidSync({ tags: [] }));
