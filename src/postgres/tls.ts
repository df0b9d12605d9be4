import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import type { Tls } from "../database-url.ts";
import { EnvironmentError, EXIT_CODES } from "../errors.ts";

/**
 * What the driver needs to do as the TLS settings say, but for `withoutNameCheck`: plain data,
 * which goes to threads. Reads the certificate files; throws
 * an EnvironmentError that names the one it cannot read.
 */
export function tlsOptions(tls: Tls): false | ConnectionOptions {
  if (tls.mode === "disable") {
    return false;
  }
  const options: ConnectionOptions = { rejectUnauthorized: tls.mode !== "require" };
  if (tls.rootCertificateFile !== null) {
    options.ca = read("sslrootcert", tls.rootCertificateFile);
  }
  if (tls.certificateFile !== null) {
    options.cert = read("sslcert", tls.certificateFile);
  }
  if (tls.keyFile !== null) {
    options.key = read("sslkey", tls.keyFile);
  }
  return options;
}

/** For verify-ca: the chain counts, the host's name does not. undefined means "no objection". */
export function withoutNameCheck(options: ConnectionOptions): ConnectionOptions {
  return Object.assign(options, { checkServerIdentity: () => undefined });
}

function read(parameter: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (err) {
    throw new EnvironmentError(`cannot read the file of ${parameter}, ${file}`, {
      hint: "name a PEM file that this user can read, or leave the parameter out",
      exitCode: EXIT_CODES.config,
      cause: err,
    });
  }
}
