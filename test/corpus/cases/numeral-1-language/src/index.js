const numeral = require("numeral");

numeral.language("de", {
  delimiters: { thousands: ".", decimal: "," },
  abbreviations: {},
  ordinal: () => ".",
  currency: { symbol: "EUR" },
});
numeral.language("de");
console.log(numeral(1234.5).format("0,0.00"));
