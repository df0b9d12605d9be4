/**
 * The text with the password of every connection string in it replaced by `****`. Error
 * messages of drivers and tools quote such strings, so everything printed goes through here.
 * Rather too much than too little: an @ later in the same word ends the password.
 * JSON stays JSON: an escaped quote does not lose its backslash.
 */
export function maskSecrets(text: string): string {
  if (!text.includes("://") && !text.includes("password")) {
    return text;
  }
  return text
    .replaceAll(
      /([a-z][a-z0-9+.-]*:\/\/[^\s:/@"'?#]*):(?:\\["\\]|\\(?!["\\])|[^\s"'\\])+@/gi,
      "$1:****@",
    )
    .replaceAll(/(password=)(?:\\["\\]|\\(?!["\\])|[^\s&"'\\])+/gi, "$1****");
}
