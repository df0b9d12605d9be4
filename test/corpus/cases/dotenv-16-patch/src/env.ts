import { config } from "dotenv";

const { error, parsed } = config({ path: ".env" });
if (error) console.warn(error.message);

export const port = Number(parsed?.PORT ?? 8080);
