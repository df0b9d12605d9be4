import express from "express";

const app = express();
const level = process.env.LOG_LEVEL ?? "info";
app.get("/orders", (request, response) => response.json([level]));
app.listen(3000);
