const classNames = require("classnames");

console.log(classNames("button", { primary: true, big: false }));
