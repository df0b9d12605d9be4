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
  "2002:7f00:1::",
  "fc00::1",
  "fd12:3456::1",
  "fe80::1",
  "ff02::1",
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
