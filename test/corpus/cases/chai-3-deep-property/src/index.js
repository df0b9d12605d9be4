const { expect } = require("chai");

expect({ a: { b: 1 } }).to.have.deep.property("a.b", 1);
console.log("ok");
