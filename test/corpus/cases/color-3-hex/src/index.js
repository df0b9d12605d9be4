const Color = require("color");

console.log(Color("#ff0000").lighten(0.5).hex(), Color.rgb(1, 2, 3).string());
