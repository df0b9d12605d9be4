/**
 * The same round, begun at a place that chance picks, so that nothing comes first for ever.
 * Counting turns instead would keep step with whatever else counts: with two rounds begun in
 * turn, each of two items, one item of each was always first.
 */
export function startAnywhere<Item>(
  items: readonly Item[],
  random: () => number = Math.random,
): Item[] {
  const start = Math.floor(random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
