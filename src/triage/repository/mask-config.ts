/**
 * What git said, without the credentials of its settings: a host may repeat in its message
 * what it was sent, and the message becomes the error of a task.
 */
export function maskConfig(text: string, config: ReadonlyMap<string, string>): string {
  const secrets = [...config].flatMap(([key, value]) =>
    key.endsWith(".extraHeader") ? credentialsIn(value) : [],
  );
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, "****"), text);
}

/** As they are sent, decoded, and the token alone. */
function credentialsIn(header: string): string[] {
  const sent = header.split(" ").at(-1) ?? "";
  const decoded = Buffer.from(sent, "base64").toString("utf8");
  return [sent, decoded, decoded.slice(decoded.indexOf(":") + 1)].filter((one) => one !== "");
}
