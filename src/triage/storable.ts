import { storableText } from "../storable-text.ts";
/**
 * The value with texts that PostgreSQL can store. What repositories hold may have a NUL far into
 * a file, and a text that was cut may end in half of a character: neither may cost a verdict.
 */
export function storable<Value>(value: Value): Value {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "string" ? storableText(inner) : inner,
  );
  const parsed: Value = JSON.parse(text);
  return parsed;
}
