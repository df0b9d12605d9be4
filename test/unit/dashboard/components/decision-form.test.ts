import { expect, test } from "vitest";
import { answerOf, decisionView } from "../../../../src/dashboard/components/decision-form.ts";
import { html } from "../../../../src/dashboard/html.ts";

const question = { prompt: "Is <it> so?", known: html`half`, action: "/ui/x", fields: html`` };

test("a question is shown as text, with what is known and its answers", () => {
  const shown = String(decisionView(question, true));

  expect(shown).toContain("Is &lt;it&gt; so?");
  expect(shown).toContain("What is known so far");
  expect(shown.match(/<button/g)).toHaveLength(4);
});

test("a reader who may not decide sees no form", () => {
  expect(String(decisionView(question, false))).not.toContain("<form");
});

test.for([
  [{ answer: "yes", written: "no" }, { answer: "yes" }],
  [{ answer: "", written: "  later " }, { answer: "later" }],
  [{ written: `{"port": 8080}` }, { port: 8080 }],
  [{ written: "12" }, 12],
  [{ written: "null" }, undefined],
  [{ written: "" }, undefined],
  [{}, undefined],
] as const)("the fields %j are the answer %j", ([fields, answer]) => {
  expect(answerOf(fields)).toEqual(answer);
});
