const bcrypt = require("bcryptjs");

const HASH = "$2a$04$vX3H0vq0iP0lqGcdfeT8suxCP.3GDIW5CXXQO/6rdSzfRzNsmW8pi";

exports.hash = (password) => bcrypt.hashSync(password, bcrypt.genSaltSync(4));
exports.isRight = async (password, hash = HASH) => bcrypt.compare(password, hash);

exports.isRight("secret", exports.hash("secret")).then(console.log);
