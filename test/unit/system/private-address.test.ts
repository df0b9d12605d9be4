import { BlockList } from "node:net";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isPrivateAddress, refusePrivateLiteral } from "../../../src/system/private-address.ts";

test.for([
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.254",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::ffff:169.254.169.254",
  "::127.0.0.1",
  "64:ff9b::7f00:1",
  "64:ff9b:1::7f00:1",
  "::ffff:0:127.0.0.1",
  "2002:7f00:1::",
  "fc00::1",
  "fd12:3456::1",
  "fe80::1",
  "fe80::1%eth0",
  "ff02::1",
  "192.88.99.1",
  "192.31.196.1",
  "100::1",
  "3fff::1",
  "4000::1",
  "5f00::1",
  "2620:4f:8000::1",
  "0177.0.0.1",
  "0x7f.0.0.1",
  "2130706433",
  "127.1",
  "1.1.1.1 ",
  "localhost",
  "",
])("%s is out of bounds", (address) => {
  expect(isPrivateAddress(address)).toBe(true);
});

test.for([
  "1.1.1.1",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "140.82.112.3",
  "172.15.255.255",
  "172.32.0.0",
  "223.255.255.255",
  "::ffff:140.82.112.3",
  "2606:4700:4700::1111",
  "2a00:1450:4001:82f::200e",
])("%s is not", (address) => {
  expect(isPrivateAddress(address)).toBe(false);
});

test.for(["http://2130706433/", "http://0177.0.0.1/", "http://127.1/", "http://[::1]:80/"])(
  "an address in another spelling is refused: %s",
  (url) => {
    expect(() => refusePrivateLiteral(new URL(url))).toThrow("is a private address");
  },
);

/** Networks that are out of bounds by name, whatever a library thinks of them. */
const IPV4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;
const IPV6 = [
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const;

/** The bits of an address with another network's in front. */
function within(bits: bigint, network: bigint, prefix: number, width: number): bigint {
  const host = (1n << BigInt(width - prefix)) - 1n;
  return (network & ~host) | (bits & host);
}

const ipv4 = (bits: bigint) => [24n, 16n, 8n, 0n].map((at) => (bits >> at) & 255n).join(".");
const bitsOfIpv4 = (address: string) =>
  address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
const ipv6 = (bits: bigint) =>
  Array.from({ length: 8 }, (_, at) =>
    ((bits >> BigInt(112 - 16 * at)) & 0xffffn).toString(16),
  ).join(":");
const bitsOfIpv6 = (address: string) => {
  const head = address.split("::")[0]?.split(":").filter(Boolean) ?? [];
  return head.reduce((bits, part, at) => bits | (BigInt(`0x${part}`) << BigInt(112 - 16 * at)), 0n);
};

test.for(IPV4)("every address of %s/%i is out of bounds, also within IPv6", ([network, prefix]) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), (bits) => {
      const address = ipv4(within(bits, bitsOfIpv4(network), prefix, 32));
      expect(isPrivateAddress(address)).toBe(true);
      expect(isPrivateAddress(`::ffff:${address}`)).toBe(true);
    }),
    { examples: [[0n], [(1n << 32n) - 1n]] },
  );
});

test.for(IPV6)("every address of %s/%i is out of bounds", ([network, prefix]) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (bits) => {
      expect(isPrivateAddress(ipv6(within(bits, bitsOfIpv6(network), prefix, 128)))).toBe(true);
    }),
    { examples: [[0n], [(1n << 128n) - 1n]] },
  );
});

test("no address that one of these networks has is let through, however it is written", () => {
  const refused = new BlockList();
  for (const [network, prefix] of IPV4) refused.addSubnet(network, prefix, "ipv4");
  for (const [network, prefix] of IPV6) refused.addSubnet(network, prefix, "ipv6");

  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const isRefused = refused.check(address, address.includes(":") ? "ipv6" : "ipv4");
      expect(!isRefused || isPrivateAddress(address)).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});
