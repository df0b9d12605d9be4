const { v4: uuidv4, v5: uuidv5 } = require("uuid");

exports.newId = () => uuidv4();
exports.idOf = (url) => uuidv5(url, uuidv5.URL);
