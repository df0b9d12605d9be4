export * from "p-retry";
export { default as retry } from "p-retry";
