import { once } from "node:events";
import type { Logger } from "pino";
import { DatabaseLink } from "../database/reconnect.ts";
import { EnvironmentError, EXIT_CODES, hasCode } from "../model/errors.ts";
import type { Config } from "../settings/config.ts";
import type { GatewayConfig } from "../settings/gateway.ts";
import { sleep } from "../system/waiting.ts";
import type { ApplicationDoors, Dashboard, Gateway } from "./gateway.ts";
import type { Caller } from "./keys.ts";
import { openGateway } from "./open-gateway.ts";

/** A port that a process which is about to end still has is waited for so long. */
const LISTEN_MS_MAX = 5_000;
const LISTEN_AGAIN_MS = 250;

/**
 * Serve until `stop` aborts; then take no connection more, end what was accepted, and close. Listens
 * before the database answers, and says by `/ready` that it does not. Throws an EnvironmentError for
 * an address that cannot be had, and for a schema that does not fit this version.
 */
export async function runGateway(options: {
  readonly config: Config;
  readonly logger: Logger;
  readonly stop: AbortSignal;
  readonly application: ApplicationDoors;
  readonly dashboard: Dashboard | null;
  /** Whoever sends no key where none is asked for. @default `http`, an admin */
  readonly anybody?: Caller;
  /** Called once with the address, such as `http://127.0.0.1:8080`. */
  readonly onListening?: (address: string) => void;
}): Promise<void> {
  const { config, logger, stop } = options;
  const { app, queue, health, replica, tellStart, close } = await openGateway(options);
  const closing = new AbortController();
  try {
    const address = await listen(app, config.gateway);
    if (options.dashboard !== null) {
      logger.info(`the dashboard is at ${address}/ui`);
    }
    options.onListening?.(address);
    const watching = Promise.all([health.watch(closing.signal), replica?.watch(closing.signal)]);
    await new DatabaseLink(logger).run(() => queue.open(), stop);
    if (!stop.aborted) {
      await tellStart();
    }
    if (!stop.aborted) {
      await once(stop, "abort");
    }
    logger.info("told to stop: ending the requests that were accepted");
    closing.abort();
    await watching;
  } catch (err) {
    if (!stop.aborted) {
      throw err;
    }
  } finally {
    closing.abort();
    await close();
  }
}

/** Listen, and say where in the log and to the caller. */
async function listen(
  app: Gateway,
  { host, port }: Pick<GatewayConfig, "host" | "port">,
): Promise<string> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return await app.listen({
        host,
        port,
        listenTextResolver: (address) => `the gateway listens at ${address}`,
      });
    } catch (err) {
      const isTaken = hasCode(err, "EADDRINUSE");
      if (!isTaken || performance.now() - startedMs > LISTEN_MS_MAX) {
        throw explained(err, { host, port });
      }
      await sleep(LISTEN_AGAIN_MS, new AbortController().signal);
    }
  }
}

function explained(cause: unknown, { host, port }: Pick<GatewayConfig, "host" | "port">): unknown {
  const say = (message: string, hint: string) =>
    new EnvironmentError(message, { hint, exitCode: EXIT_CODES.config, cause });
  if (hasCode(cause, "EADDRINUSE")) {
    return say(
      `port ${port} of ${host} is taken by another process`,
      "set PORT to another one (0: any that is free), or stop what listens there",
    );
  }
  if (hasCode(cause, "EACCES")) {
    return say(`this user may not listen at port ${port}`, "set PORT to one above 1023");
  }
  if (hasCode(cause, "EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN", "EINVAL")) {
    return say(
      `HOST=${host} is no address of this machine`,
      "unset HOST for 127.0.0.1, or name an address of this machine, such as 0.0.0.0 for all",
    );
  }
  return cause;
}
