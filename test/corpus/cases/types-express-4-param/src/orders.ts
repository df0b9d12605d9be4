import express from "express";

export const orders = express.Router();

orders.get("/orders/:id", (request, response) => {
  response.json({ id: request.param("id") });
});
