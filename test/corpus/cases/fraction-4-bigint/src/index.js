const Fraction = require("fraction.js");

const half = new Fraction(1.5);
console.log(half.n * 2, half.d);
