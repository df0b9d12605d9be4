import { from, type Observable } from "rxjs";
import { tap } from "rxjs/operators";

export async function drain(values: readonly number[], show: (value: number) => void) {
  const stream: Observable<number> = from(values).pipe(tap(show));
  await stream.toPromise();
}
