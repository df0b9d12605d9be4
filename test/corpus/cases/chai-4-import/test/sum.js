import { expect } from "chai";

expect([1, 2]).to.deep.equal([1, 2]);
console.log("passed");
