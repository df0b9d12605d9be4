const Fraction = require("fraction.js");

console.log(new Fraction(1.5).add("1/3").toFraction());
