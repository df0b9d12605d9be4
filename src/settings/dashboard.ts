import { BlockList, isIP } from "node:net";
import type { KEY_ROLE_NAMES, Settings } from "./variables.ts";

/** Whom the pages of `triaged serve` are for, and what they cover. */
export type DashboardConfig = {
  /** Fields whose name contains one of these are covered in payloads, results and errors. */
  readonly redact: readonly string[];
  /** With what sessions are signed; null: known to this process alone. A secret. */
  readonly sessionSecret: string | null;
  /** Null: readers are known by their keys alone. */
  readonly proxy: ProxyConfig | null;
};

/** A proxy that has found out who the reader is. */
export type ProxyConfig = {
  /** The header with the reader's name, in lower case. */
  readonly userHeader: string;
  /** The header with the role; null: all have `role`. */
  readonly roleHeader: string | null;
  readonly role: (typeof KEY_ROLE_NAMES)[number];
  /** Addresses and networks from which the headers are believed. */
  readonly addresses: readonly string[];
};

/** A shorter one could be guessed. */
const SECRET_CHARACTERS_MIN = 32;
const HEADER = /^[A-Za-z][A-Za-z0-9-]{0,99}$/;

/** What is wrong is added to the problems, without the secret. */
export function dashboardConfigOf(settings: Settings, problems: string[]): DashboardConfig {
  const { UI_SESSION_SECRET: secret, UI_REDACT: redact } = settings;
  if ((secret?.length ?? SECRET_CHARACTERS_MIN) < SECRET_CHARACTERS_MIN) {
    problems.push(`UI_SESSION_SECRET: expected at least ${SECRET_CHARACTERS_MIN} characters`);
  }
  return {
    redact: redact.length === 1 && redact[0] === "none" ? [] : redact,
    sessionSecret: secret ?? null,
    proxy: proxyConfigOf(settings, problems),
  };
}

function proxyConfigOf(settings: Settings, problems: string[]): ProxyConfig | null {
  const { UI_PROXY_HEADER: user, UI_PROXY_ROLE_HEADER: role } = settings;
  const { UI_PROXY_ADDRESSES: addresses = [], UI_PROXY_ROLE } = settings;
  for (const [name, header] of [
    ["UI_PROXY_HEADER", user],
    ["UI_PROXY_ROLE_HEADER", role],
  ] as const) {
    if (header !== undefined && !HEADER.test(header)) {
      problems.push(`${name}: expected the name of a header, such as X-Forwarded-User`);
    }
  }
  if ((user === undefined) !== (addresses.length === 0)) {
    problems.push(
      "UI_PROXY_HEADER and UI_PROXY_ADDRESSES: expected both or none: whoever reaches the gateway could " +
        "send the header",
    );
  }
  try {
    blockListOf(addresses);
  } catch {
    problems.push("UI_PROXY_ADDRESSES: expected addresses or networks, such as 10.0.0.5,fd00::/8");
  }
  if (user === undefined) {
    return null;
  }
  return {
    userHeader: user.toLowerCase(),
    roleHeader: role?.toLowerCase() ?? null,
    role: UI_PROXY_ROLE,
    addresses,
  };
}

/**
 * The addresses and networks as a list that knows which address is among them. Throws for others.
 */
export function blockListOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of addresses) {
    const [address = "", prefix, ...more] = text.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (more.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) {
      throw new Error(`expected an address or a network, got ${text}`);
    }
    if (prefix === undefined) {
      list.addAddress(address, family);
    } else {
      list.addSubnet(address, Number(prefix), family);
    }
  }
  return list;
}

/** The same by the names of the variables; of the secret only that it is set. */
export function describeDashboard(config: DashboardConfig): Record<string, string> {
  const { redact, sessionSecret, proxy } = config;
  return {
    UI_REDACT: redact.join(",") || "none",
    ...(sessionSecret === null ? {} : { UI_SESSION_SECRET: "****" }),
    ...(proxy === null
      ? {}
      : {
          UI_PROXY_HEADER: proxy.userHeader,
          ...(proxy.roleHeader === null ? {} : { UI_PROXY_ROLE_HEADER: proxy.roleHeader }),
          UI_PROXY_ROLE: proxy.role,
          UI_PROXY_ADDRESSES: proxy.addresses.join(","),
        }),
  };
}
