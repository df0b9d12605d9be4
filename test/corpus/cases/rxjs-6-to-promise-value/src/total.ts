import { from } from "rxjs";
import { reduce } from "rxjs/operators";

export async function total(values: readonly number[]): Promise<number> {
  const sum = from(values).pipe(reduce((left, right) => left + right, 0));
  return await sum.toPromise();
}
