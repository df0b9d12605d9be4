const { expect } = require("chai");

expect(1 + 1).to.equal(2);
console.log("passed");
