const yaml = require("js-yaml");

console.log(JSON.stringify(yaml.load("ports: [80, 443]")));
