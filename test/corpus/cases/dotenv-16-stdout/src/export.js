import "dotenv/config";
import dotenv from "dotenv";

dotenv.config({ path: ".env.local" });
process.stdout.write(JSON.stringify({ region: process.env.REGION ?? null }));
