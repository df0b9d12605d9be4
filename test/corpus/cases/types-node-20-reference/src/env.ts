/// <reference types="node" />

export const port = Number(process.env.PORT ?? "3000");
export const isProduction = process.env.NODE_ENV === "production";
