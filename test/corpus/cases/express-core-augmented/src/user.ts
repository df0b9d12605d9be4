import type { Request } from "express-serve-static-core";

declare module "express-serve-static-core" {
  interface Request {
    user?: { readonly id: string };
  }
}

export const userOf = (request: Request): string => request.user?.id ?? "anonymous";
