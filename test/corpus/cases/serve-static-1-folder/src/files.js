const path = require("node:path");
const serveStatic = require("serve-static");

exports.files = serveStatic(path.join(__dirname, "../public"), {
  index: ["index.html"],
  maxAge: "1h",
  setHeaders: (response) => response.setHeader("x-served-by", "files"),
});

console.log(typeof exports.files);
