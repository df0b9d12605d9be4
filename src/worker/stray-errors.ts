import type { Logger } from "pino";
import { currentAttempt } from "./attempt.ts";

/**
 * Errors that handlers let escape: of a callback, or of a promise that nobody awaits. One
 * that can be told to belong to an attempt fails that attempt; any other one ends the
 * worker by `onFatal`, because nobody knows what state it left behind. A call of
 * process.exit inside a handler fails the attempt too, and does not end the worker.
 *
 * Returns a function that takes the traps away.
 */
export function trapStrayErrors(logger: Logger, onFatal: (err: unknown) => void): () => void {
  const onStray = (err: unknown) => {
    const attempt = currentAttempt.getStore();
    if (attempt === undefined) {
      logger.fatal({ err }, "an error that nobody caught");
      onFatal(err);
    } else {
      const { taskId, taskType } = attempt.task;
      logger.error({ err, taskId, taskType }, "an error that the handler let escape");
      attempt.fail(err);
    }
  };
  process.on("uncaughtException", onStray);
  process.on("unhandledRejection", onStray);

  const exit = process.exit.bind(process);
  process.exit = (code) => {
    if (currentAttempt.getStore() === undefined) {
      return exit(code);
    }
    throw new Error(`the handler called process.exit(${code ?? ""}); throw an error instead`);
  };

  return () => {
    process.off("uncaughtException", onStray);
    process.off("unhandledRejection", onStray);
    process.exit = exit;
  };
}
