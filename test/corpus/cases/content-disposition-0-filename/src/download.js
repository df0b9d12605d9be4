const contentDisposition = require("content-disposition");

exports.send = (response, name, bytes) => {
  response.setHeader("content-disposition", contentDisposition(name, { type: "attachment" }));
  response.end(bytes);
};
exports.nameIn = (header) => contentDisposition.parse(header).parameters.filename;

console.log(contentDisposition("plans.pdf"), exports.nameIn('attachment; filename="a.txt"'));
