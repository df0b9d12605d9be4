/** Pages of other origins, which browsers let ask only where CORS_ORIGINS names them. */
import cors from "@fastify/cors";
import type { Gateway } from "./gateway.ts";
import type { Access } from "./keys.ts";

/** For so long a browser does not ask again whether it may ask. */
const PREFLIGHT_SECONDS = 600;

/** Let pages of other origins read answers, as far as they are named; before guardDoors. */
export async function allowOrigins(app: Gateway, { origins }: Access): Promise<void> {
  if (origins.length === 0) {
    return;
  }
  await app.register(cors, {
    origin: origins.includes("*") ? "*" : [...origins],
    methods: ["GET", "POST", "PATCH", "DELETE"],
    exposedHeaders: ["location", "retry-after"],
    maxAge: PREFLIGHT_SECONDS,
  });
}
