const LOOK_MS = 500;

/**
 * Call back once when the process that supervises this one is gone, however it went: the
 * kernel then closes the channel between them. `npm start` and npx have no channel, and a
 * signal to them ends only the shell below them, so with `watch` the parent's pid is looked
 * at twice a second. Never, when neither applies. Does not keep the process alive.
 */
export function onParentGone(
  callback: () => void,
  { watch = false }: { watch?: boolean } = {},
): void {
  if (process.channel !== undefined) {
    if (!process.connected) {
      callback();
      return;
    }
    process.once("disconnect", callback);
    process.channel.unref();
  } else if (watch) {
    const parent = process.ppid;
    const timer = setInterval(() => {
      if (process.ppid !== parent) {
        clearInterval(timer);
        callback();
      }
    }, LOOK_MS).unref();
  }
}
