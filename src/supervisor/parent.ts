/**
 * Call back once when the process that supervises this one is gone, however it went: the
 * kernel then closes the channel between them. Never, when nobody supervises over a channel.
 * It does not keep the process alive.
 */
export function onParentGone(callback: () => void): void {
  if (process.channel === undefined) {
    return;
  }
  if (!process.connected) {
    callback();
    return;
  }
  process.once("disconnect", callback);
  process.channel.unref();
}
