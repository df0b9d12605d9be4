const express = require("express");

const app = express();
app.get("/health", (request, response) => response.json({ ok: true }));
app.get("*", (request, response) => response.status(404).end());
console.log(typeof app.handle);
