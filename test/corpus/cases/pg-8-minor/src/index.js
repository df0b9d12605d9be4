const { Client } = require("pg");

const client = new Client({ host: "db.example", database: "orders" });
console.log(client.database, client.port);
