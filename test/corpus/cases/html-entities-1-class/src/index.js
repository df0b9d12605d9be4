const { AllHtmlEntities } = require("html-entities");

const entities = new AllHtmlEntities();
console.log(entities.encode("<a>"));
