import express from "express";

const app = express();
const secret = process.env.ORDERS_TOKEN_KEY;
if (!secret) throw new Error("ORDERS_TOKEN_KEY is not set");
app.listen(3000);
