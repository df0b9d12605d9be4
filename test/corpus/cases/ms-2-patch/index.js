const ms = require("ms");

exports.expiry = (text) => new Date(Date.now() + ms(text));
exports.words = (duration) => ms(duration, { long: true });
