import { once } from "node:events";

/**
 * What the process got from the one that started it (own-process.ts): one request. Whoever posts
 * answers it, and then calls `leave`: the process ends when all of it is on its way, and with its
 * parent in any case.
 */
export async function requestOfParent(): Promise<unknown> {
  const [request] = await once(process, "message");
  return request;
}

const sent: Promise<void>[] = [];

/** Send it to the parent; where nobody listens any more, it need not arrive. */
export function post(message: object): void {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.send?.(message, undefined, undefined, () => resolve());
  sent.push(promise);
}

/** Nothing more comes: wait until what was posted has left. */
export async function leave(): Promise<void> {
  await Promise.all(sent);
  process.disconnect();
}
