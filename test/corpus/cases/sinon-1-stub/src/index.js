const sinon = require("sinon");

const api = { load: () => 1 };
sinon.stub(api, "load", () => 2);
console.log(api.load());
