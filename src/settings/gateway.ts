import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { Settings } from "./variables.ts";

/** Where `triaged serve` listens. */
export type GatewayConfig = {
  /** An address of this machine, or a name for one. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
};

/** What only the gateway reads. */
export const GATEWAY_VARIABLES: readonly string[] = ["HOST", "PORT"];

export function gatewayConfigOf(settings: Settings): GatewayConfig {
  return { host: settings.HOST, port: settings.PORT };
}

/** The same by the names of the variables. */
export function describeGateway({ host, port }: GatewayConfig): Record<string, string> {
  return { HOST: host, PORT: String(port) };
}

/** Throw an EnvironmentError (78) for a gateway that a network could reach. */
export function refuseOpenNetwork({ host }: GatewayConfig): void {
  if (!isLoopback(host)) {
    throw new EnvironmentError(`HOST=${host} would open the queue to a network`, {
      hint: "unset HOST: 127.0.0.1 is reached from this machine alone",
      exitCode: EXIT_CODES.config,
    });
  }
}

/** Whether nobody but this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
