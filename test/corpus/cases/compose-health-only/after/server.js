import express from "express";

const app = express();
app.get("/healthz", (request, response) => response.end());
app.get("/orders", (request, response) => response.json([]));
app.listen(3000);
