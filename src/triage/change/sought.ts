import type { Finding } from "../finding.ts";

/** What in a consumer's tree shows that a finding hits it. */
export type Sought =
  /** A literal path. `path` as the provider writes it, with its placeholders. */
  | { readonly by: "route"; readonly path: string }
  | { readonly by: "env"; readonly name: string }
  /** The port beside the service's host or variable. */
  | { readonly by: "port"; readonly port: number }
  /** Any address of the service, or a variable that holds it. */
  | { readonly by: "service" }
  /** The provider's image, run or built upon. */
  | { readonly by: "image" };

/** A finding in a service, and by what a consumer is hit: any of `sought`. */
export type ServiceFound = { readonly finding: Finding; readonly sought: readonly Sought[] };
