const Color = require("color");

const accent = Color("#3366cc").darken(0.2);
console.log(accent.hexString());
