import express from "express";

const app = express();
app.get("/v1/invoices", (request, response) => response.json([]));
app.get("/v1/customers", (request, response) => response.json([]));
app.listen(3000);
