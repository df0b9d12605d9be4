const CryptoJS = require("crypto-js");

console.log(CryptoJS.PBKDF2("secret", "salt", { keySize: 4 }).toString());
