/** Aborts `stop` at the first SIGINT, SIGTERM or SIGHUP, and `kill` at the second. */
export type StopSignals = {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
  /** Give the signals back their usual meaning. */
  readonly dispose: () => void;
};

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** npm passes on the Ctrl-C that its child got from the terminal already: that is one. */
const SAME_SIGNAL_MS = 500;

export function listenForStop(): StopSignals {
  const stop = new AbortController();
  const kill = new AbortController();
  let firstMs = 0;
  const onSignal = () => {
    if (!stop.signal.aborted) {
      firstMs = performance.now();
      stop.abort();
    } else if (performance.now() - firstMs > SAME_SIGNAL_MS) {
      kill.abort();
    }
  };
  for (const name of SIGNALS) {
    process.on(name, onSignal);
  }
  return {
    stop: stop.signal,
    kill: kill.signal,
    dispose: () => {
      for (const name of SIGNALS) {
        process.off(name, onSignal);
      }
    },
  };
}

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
