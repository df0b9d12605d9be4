/**
 * How much the compiler may work for one comparison of two types. A wall on purpose: it alone
 * knows a part of the compiler that is not public.
 */
import ts from "typescript";
import { LIMITS } from "../facts/limits.ts";

/** A comparison of two types was ended. Its checker is in the middle of something: drop it. */
export class TooManyTypes extends Error {
  override readonly name = "TooManyTypes";
}

type Shape = abstract new (...args: never[]) => object;
type Allocator = {
  getTypeConstructor: (this: void) => Shape;
  getSignatureConstructor: (this: void) => Shape;
};

/**
 * Counts the types and signatures that a checker makes, and can end it while it does: a relation
 * of large recursive types is one call, which goes on for minutes and gigabytes. The compiler has
 * no public way to end it: it looks at its cancellation token between statements, and a clock
 * would give other results on other machines. One without the allocator is not counted.
 */
export class TypeMeter {
  readonly checker: ts.TypeChecker;
  /** Of all comparisons. */
  made = 0;
  #left = Infinity;

  constructor(program: ts.Program) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is not in the public types
    const { objectAllocator } = ts as unknown as { objectAllocator?: Allocator };
    this.checker =
      objectAllocator === undefined
        ? program.getTypeChecker()
        : withConstructors(
            objectAllocator,
            (made) => this.#counted(made),
            () => program.getTypeChecker(),
          );
  }

  /** Run a comparison that may make so many. Throws TooManyTypes where it wants more. */
  within<T>(most: number, compare: () => T): T {
    this.#left = most;
    try {
      return compare();
    } finally {
      this.made += most - this.#left;
      this.#left = Infinity;
    }
  }

  #counted(made: Shape): Shape {
    const count = (): void => {
      this.#left -= 1;
      if (this.#left < 0) throw new TooManyTypes();
    };
    return class extends made {
      constructor(...args: never[]) {
        super(...args);
        count();
      }
    };
  }
}

/** A checker takes its constructors when it is made. */
function withConstructors<T>(
  allocator: Allocator,
  counted: (made: Shape) => Shape,
  make: () => T,
): T {
  const { getTypeConstructor, getSignatureConstructor } = allocator;
  const [type, signature] = [counted(getTypeConstructor()), counted(getSignatureConstructor())];
  allocator.getTypeConstructor = () => type;
  allocator.getSignatureConstructor = () => signature;
  try {
    return make();
  } finally {
    Object.assign(allocator, { getTypeConstructor, getSignatureConstructor });
  }
}

/**
 * Answers of comparisons by what was compared, over all checkers that it took, and what they may
 * cost. What takes too much has no answer.
 */
export class TypeBudget {
  readonly #answers = new Map<string, boolean>();
  readonly #cut = new Set<string>();
  #made = 0;

  /** Whether something was not compared. */
  get isOverrun(): boolean {
    return this.#cut.size > 0;
  }

  /** The answer of an earlier or of this comparison; null where there is none. */
  answer(key: string, meter: TypeMeter, compare: () => boolean): boolean | null {
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    if (this.#cut.has(key)) return null;
    if (this.#cut.size >= LIMITS.typeCutsMax || this.#made >= LIMITS.surfaceTypesMax) {
      this.#cut.add(key);
      return null;
    }
    const before = meter.made;
    try {
      const answer = meter.within(LIMITS.comparisonTypesMax, compare);
      this.#answers.set(key, answer);
      return answer;
    } catch (error) {
      if (error instanceof TooManyTypes) this.#cut.add(key);
      throw error;
    } finally {
      this.#made += meter.made - before;
    }
  }
}
