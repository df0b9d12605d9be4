/** A number with its noun: `1 task`, `2 tasks`; what has no plain plural brings it along. */
export function counted(count: number | string, noun: string, plural = `${noun}s`): string {
  return `${count} ${Number(count) === 1 ? noun : plural}`;
}
