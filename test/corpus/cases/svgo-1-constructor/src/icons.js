const SVGO = require("svgo");

const svgo = new SVGO({ plugins: [{ removeViewBox: false }] });

exports.smaller = async (text) => (await svgo.optimize(text)).data;

exports.smaller('<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>').then(console.log);
