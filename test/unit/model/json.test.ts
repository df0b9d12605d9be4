// Goal: JSON goes through this program with the digits that it came with.

import { expect, test } from "vitest";
import { parseExactly, toJson } from "../../../src/model/json.ts";
import { parsePayload, serializePayload } from "../../../src/model/payload.ts";

const LONG = [
  "9007199254740993",
  "-9007199254740993",
  "1234567890123456789",
  "18446744073709551615",
  "123456789012345678901234567890123456789",
];

test.for(LONG)("%s stays as it is", (digits) => {
  const text = `{"a":[{"b":${digits}}]}`;

  expect(parseExactly(text)).toEqual({ a: [{ b: BigInt(digits) }] });
  expect(toJson(parseExactly(text))).toBe(text);
  expect(serializePayload(parsePayload(text))).toBe(text);
});

test.for([
  "0",
  "-1",
  "9007199254740991",
  "9007199254740992",
  "1000000000000000000000",
  "0.30000000000000004",
  "0.1234567890123456",
  "1e3",
  "1E-7",
  "1.0",
  "5e-324",
  "1.7976931348623157e308",
])("%s is the number that JSON.parse makes of it", (text) => {
  expect(parseExactly(text)).toBe(JSON.parse(text));
});

test.for(["0.12345678901234567890123", "-3.14159265358979323846", "0.1000000000000000055"])(
  "the decimal %s is kept where it is only written again",
  (digits) => {
    expect(parseExactly(digits)).toBe(Number(digits));
    expect(toJson({ a: parseExactly(digits, { decimals: "kept" }) })).toBe(`{"a":${digits}}`);
    expect(serializePayload(parsePayload(`{"a":${digits}}`))).toBe(`{"a":${digits}}`);
  },
);

test("digits within text are no number", () => {
  const text = '{"id":"9007199254740993","9007199254740993":1}';

  expect(parseExactly(text)).toEqual(JSON.parse(text));
});

test("a bigint of a program is sent as the integer that it is", () => {
  expect(serializePayload({ id: 9007199254740993n })).toBe('{"id":9007199254740993}');
});

test.for(["1e400", "-1e400"])(
  "%s, which a handler would read as infinite, is refused",
  (digits) => {
    expect(() => serializePayload(parsePayload(`{"a": {"b": ${digits}}}`))).toThrow(
      /payload\.a\.b is a number that a handler would read as -?Infinity/,
    );
  },
);
