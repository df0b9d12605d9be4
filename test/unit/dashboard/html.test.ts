// Goal: a value in a page is text, in an attribute as well.
import { expect, test } from "vitest";
import { html } from "../../../src/dashboard/html.ts";

test("a value cannot leave an element, nor an attribute in either kind of quotes", () => {
  const value = `&<b>" onfocus="x' onfocus='x`;
  const escaped = "&amp;&lt;b&gt;&quot; onfocus=&quot;x&#39; onfocus=&#39;x";

  expect(String(html`<p title="${value}">${value}</p>`)).toBe(
    `<p title="${escaped}">${escaped}</p>`,
  );
});

test("only what the tag made is markup; lists are put together, and nothing is nothing", () => {
  const inner = html`<i>${"<"}</i>`;

  expect(String(html`${[inner, "<b>", 7]}${null}${false}${undefined}`)).toBe(
    "<i>&lt;</i>&lt;b&gt;7",
  );
});
