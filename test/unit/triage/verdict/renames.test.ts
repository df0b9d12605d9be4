import { expect, test } from "vitest";
import { finding, type Hit } from "../../../../src/triage/facts/finding.ts";
import { withRenames } from "../../../../src/triage/verdict/renames.ts";

function hit(rule: string, subject: string, before: string | null, after: string | null): Hit {
  const breaking = rule === "ts.added" ? "no" : "yes";
  const found = finding({ rule, subject, breaking, before, after });
  return { finding: found, usage: "confirmed", hits: [] };
}

const CENTS = hit("ts.member_removed", "Charge.cents", "cents: number;", null);
const MINOR = hit("ts.signature", "Charge.minor", null, "minor: number;");

function told(hits: readonly Hit[]): string[] {
  return withRenames(hits, { hits }).map(({ finding: { subject, replacement } }) =>
    replacement === null ? subject : `${subject} -> ${replacement}`,
  );
}

test("a thing in the place of another is told with it, and not by itself", () => {
  expect(told([CENTS, MINOR])).toEqual(["Charge.cents -> Charge.minor"]);
  const sub = hit("ts.export_removed", "load (./a)", "load(id: string): T", null);
  const next = hit("ts.added", "fetch (./a)", null, "fetch(id: string): T");
  expect(told([sub, next])).toEqual(["load (./a) -> fetch (./a)"]);
});

test.for([
  ["another type", [CENTS, hit("ts.signature", "Charge.minor", null, "minor: bigint;")]],
  ["another owner", [CENTS, hit("ts.signature", "Refund.minor", null, "minor: number;")]],
  ["two that came", [CENTS, MINOR, hit("ts.added", "Charge.major", null, "major: number;")]],
  ["two that went", [CENTS, MINOR, hit("ts.member_removed", "Charge.a", "a: number;", null)]],
  [
    "nothing but a name",
    [
      hit("ts.export_removed", "flush", "flush(): void", null),
      hit("ts.added", "warm", null, "warm(): void"),
    ],
  ],
] as const)("%s is no rename", ([, hits]) => {
  expect(told(hits)).toEqual(hits.map(({ finding: { subject } }) => subject));
});
