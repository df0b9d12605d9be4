import express from "express";

const app = express();
const secret = process.env.ORDERS_SECRET;
if (!secret) throw new Error("ORDERS_SECRET is not set");
app.listen(3000);
