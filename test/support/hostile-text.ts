import * as fc from "fast-check";

/** What strangers write in names, messages and files to have it do something where it is shown. */
const FRAGMENTS = [
  // Of GitHub.
  "@acme/owners",
  "@octocat",
  "\\@octocat",
  "#1",
  "acme/shop#1",
  "GH-1",
  "fixes #1",
  "closes: acme/shop#2",
  "JIRA-17",
  "0123456789abcdef0123456789abcdef01234567",
  "deadbeef",
  "acme@0123456789abcdef0123456789abcdef01234567",
  "x@evil.example",
  ":smile:",
  ":+1:",
  "$a_1$",
  "$`a`$",
  // Of Markdown.
  "[a](https://evil.example)",
  "![a](https://evil.example/pixel.png)",
  "[a]: https://evil.example",
  "[a][a]",
  "[^1]",
  "[^1]: note",
  "<https://evil.example>",
  "https://evil.example/?a=1",
  "www.evil.example",
  "mailto:x@evil.example",
  "xmpp:x@evil.example",
  "<img src=x onerror=alert(1)>",
  "</details>",
  "<details open>",
  "<!--",
  "-->",
  "<!-- triage-key: k -->",
  "<?php ?>",
  "&lt;b&gt;",
  "&#64;octocat",
  "# heading",
  "===",
  "---",
  "***",
  "> quote",
  "> [!WARNING]",
  "- [ ] task",
  "* item",
  "1) item",
  "1. ",
  "1. 1. ",
  "| a | b |",
  "|---|---|",
  "**bold**",
  "_em_",
  "__init__",
  "~~gone~~",
  "||spoiler||",
  "    code",
  "\\",
  "`",
  "``",
  "```",
  "~~~",
  "```mermaid",
  "- ",
  "+ ",
  // Of chats.
  "@everyone",
  "@here",
  "<@123456789012345678>",
  "<@&123456789012345678>",
  "<#123456789012345678>",
  "<t:1700000000:R>",
  "</cmd:123456789012345678>",
  "<!channel>",
  "<!here|here>",
  "<!subteam^S1>",
  "<@U012345>",
  "<https://evil.example|docs>",
  // Of terminals and readers.
  "\u001b[2J",
  "\u001b]0;title\u0007",
  "\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\",
  "\u001bc",
  "\u009b31m",
  "\u009d0;title\u009c",
  "\u0007",
  "\b\b\b",
  "\r",
  "\r\nhint: run it",
  "\u202egnp.exe",
  "\u2066a\u2069",
  "\u200b",
  "\u200e",
  "\u2028",
  "\u2029",
  "\u0085",
  "\ufeff",
  "\u00ad",
  "\u3164",
  "\u{e0041}",
  "\ud800",
  "\u007f",
  // Of what masks secrets in lines that are written.
  'password=x"',
  'password=x\\"',
  'password=x","level":"fatal',
  'postgres://a:b"c@d',
  "postgres://a:b\\@d",
  // Of everybody.
  "plain",
  "words.",
  "don't",
  "naïve",
  "слово",
  "7.1.1",
  "90 %",
  "(src/a.ts:3)",
] as const;

/** Made of these, of blanks, line breaks and anything else, in any order. */
export function hostileText(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...FRAGMENTS) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
    { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
  );
  const gap = fc.constantFrom("", "", " ", "\n", "\n\n", "\t");
  return fc.array(fc.tuple(piece, gap), { maxLength: 12 }).map((parts) => parts.flat().join(""));
}

/** All of them in one text, for where only a few texts are tried. */
export const EVERYTHING_HOSTILE: string = FRAGMENTS.join("\n");

/** Characters that no reader sees and some act on; line breaks and tabs are none. */
const HIDDEN: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xe0000, 0xe0fff],
];

/** Those of them that the text has, as numbers. */
export function hiddenIn(text: string): string[] {
  return Array.from(text, (letter) => letter.codePointAt(0) ?? 0)
    .filter((point) => HIDDEN.some(([first, last]) => point >= first && point <= last))
    .map((point) => `U+${point.toString(16)}`);
}
