const yaml = require("js-yaml");

const settings = yaml.safeLoad("port: 8080");
console.log(settings.port);
