import { EventEmitter } from "node:events";
import { fromEvent, type Subscription } from "rxjs";
import { debounceTime, filter, map } from "rxjs/operators";

const events = new EventEmitter();
export const subscription: Subscription = fromEvent(events, "typed")
  .pipe(
    map((event) => String(event)),
    filter((text) => text.length > 2),
    debounceTime(200),
  )
  .subscribe((text) => console.log(text));
