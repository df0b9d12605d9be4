export * as cases from "change-case";
