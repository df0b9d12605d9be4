/** What stands for all values of a label beyond the limit. */
export const OTHER = "other";

/**
 * Keeps the number of series of a metric bounded, whoever invents task types and queues: the first
 * combinations keep their names for the life of the process, all later ones are `other`.
 */
export class LabelLimit {
  readonly #max: number;
  readonly #known = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** The values as they are, or as many times `other`. */
  of<Values extends readonly string[]>(
    ...values: Values
  ): { readonly [Place in keyof Values]: string } {
    const key = JSON.stringify(values);
    if (!this.#known.has(key) && this.#known.size >= this.#max) {
      return mapped(values, () => OTHER);
    }
    this.#known.add(key);
    return mapped(values, (value) => value);
  }
}

function mapped<Values extends readonly string[]>(values: Values, of: (value: string) => string) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- As many as were given.
  return values.map(of) as { readonly [Place in keyof Values]: string };
}
