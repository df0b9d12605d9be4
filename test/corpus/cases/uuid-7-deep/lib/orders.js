const uuid = require("uuid/v4");

function createOrder(customer, lines) {
  return { id: uuid(), customer, lines, createdAt: new Date().toISOString() };
}

module.exports = { createOrder };
