import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PayloadError, parsePayload, serializePayload } from "../../../src/model/payload.ts";

function refusal(payload: unknown): PayloadError {
  try {
    serializePayload(payload);
  } catch (err) {
    if (err instanceof PayloadError) {
      return err;
    }
    throw err;
  }
  throw new Error("expected the payload to be refused");
}

function nested(levels: number): unknown {
  return JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);
}

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

test.for([
  ["an array", [], "expected payload to be a JSON object, got an array"],
  ["text", "a", "expected payload to be a JSON object, got string"],
  ["null", null, "expected payload to be a JSON object, got null"],
  ["nothing", undefined, "expected payload to be a JSON object, got undefined"],
  ["a function", () => 1, "expected payload to be a JSON object, got undefined"],
  ["a date", new Date(0), "expected payload to be a JSON object, got string"],
  [
    "a NUL character",
    { a: [{ b: "x\0" }] },
    "payload.a[0].b holds a NUL character, which PostgreSQL cannot store",
  ],
  [
    "a NUL character in a key",
    { "a\0": 1 },
    'payload."a\\u0000" holds a NUL character, which PostgreSQL cannot store',
  ],
  [
    "half a surrogate pair",
    { a: "\ud800" },
    "payload.a holds half of a surrogate pair, which is no text",
  ],
  [
    "a __proto__ key",
    JSON.parse('{"a": {"__proto__": {"admin": true}}}'),
    "payload.a.__proto__ is a key that changes what objects are",
  ],
  ["201 levels", nested(201), "payload is nested deeper than 200 levels"],
  ["NaN", { a: { b: NaN } }, 'payload cannot be serialised: NaN at "b" has no form in JSON'],
  ["a cycle", cyclic, "payload cannot be serialised: Converting circular structure to JSON"],
  [
    "too much",
    { a: "x".repeat(1_048_576) },
    "payload has 1048584 bytes, more than the limit of 1048576",
  ],
] as const)("a payload with %s is refused in one sentence", ([, payload, message]) => {
  const err = refusal(payload);

  expect(err.message).toBe(message);
  expect(err.hint).not.toBe("");
});

test("a payload may have exactly as many bytes as the limit", () => {
  const payload = { a: "é".repeat(10) };
  const maxBytes = Buffer.byteLength(JSON.stringify(payload));

  expect(serializePayload(payload, { maxBytes })).toBe(JSON.stringify(payload));
  expect(() => serializePayload(payload, { maxBytes: maxBytes - 1 })).toThrow(PayloadError);
});

test("a payload may be nested 200 levels deep", () => {
  expect(serializePayload(nested(200))).toContain('{"a":1}');
});

test("text that is not JSON is refused with the place", () => {
  expect(() => parsePayload('{"a": nope}')).toThrow(/^payload is not JSON: Unexpected token/);
});

test("every plain object without the refused parts comes through unchanged", () => {
  const key = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
  const value = fc.oneof(fc.integer(), fc.boolean(), key, fc.array(key), fc.constant(null));

  fc.assert(
    fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (payload) => {
      fc.pre(!Object.hasOwn(payload, "__proto__"));
      expect(parsePayload(serializePayload(payload))).toEqual(JSON.parse(JSON.stringify(payload)));
    }),
  );
});
