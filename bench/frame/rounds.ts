import type { Row } from "./bench.ts";

/**
 * Measure each contestant once a round, taking turns in who goes first: what the machine
 * does beside (other programs, a clock that slows down) then hits all of them, and the
 * ratio within a round means more than the figures do.
 */
export async function inRounds<Contestant extends { name: string; settings: string }>(
  contestants: readonly Contestant[],
  rounds: number,
  measure: (contestant: Contestant, round: number) => Promise<Record<string, number>>,
): Promise<Row[]> {
  const results = new Map(contestants.map(({ name }) => [name, new Map<string, number[]>()]));
  for (let round = 0; round < rounds; round++) {
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const figures = await measure(contestant, round);
      for (const [key, value] of Object.entries(figures)) {
        const series = results.get(contestant.name);
        series?.set(key, [...(series.get(key) ?? []), value]);
      }
    }
  }
  return contestants.map(({ name, settings }) => ({
    contestant: name,
    settings,
    values: Object.fromEntries(results.get(name) ?? []),
  }));
}
