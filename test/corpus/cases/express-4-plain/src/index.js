const express = require("express");

const app = express();
app.use(express.json());
app.get("/orders/:id", (request, response) => response.json({ id: request.params.id }));
console.log(typeof app.listen);
