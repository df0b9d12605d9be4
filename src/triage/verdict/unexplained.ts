import { type Diagnostic, finding, type Hit } from "../finding.ts";

/**
 * The hits, and one more finding if the compiler has errors that no breaking finding
 * accounts for: an error of the compiler is proof, whether or not the comparison of the
 * surfaces saw its cause.
 */
export function withUnexplained(
  hits: readonly Hit[],
  diagnostics: readonly Diagnostic[],
  packageName: string,
): Hit[] {
  const explained = new Set(
    hits
      .filter((hit) => hit.finding.breaking === "yes" && hit.usage === "confirmed")
      .flatMap((hit) => hit.hits.map(({ path }) => path)),
  );
  const open = diagnostics.filter(({ path }) => !explained.has(path));
  const first = open[0];
  if (first === undefined) return [...hits];
  return [
    ...hits,
    {
      finding: finding({
        rule: "ts.signature",
        subject: packageName,
        breaking: "yes",
        after: `${first.code}: ${first.message}`,
      }),
      usage: "confirmed",
      hits: open.map(({ path, line }) => ({ path, line })),
    },
  ];
}
