const convert = require("convert-source-map");

exports.mapOf = (code, folder) => convert.fromMapFileSource(code, folder);

console.log(
  exports.mapOf("//# sourceMappingURL=a.js.map", `${__dirname}/../maps`).toObject().version,
);
