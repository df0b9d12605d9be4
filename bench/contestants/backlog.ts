import type { Client } from "pg";
import type { Child } from "../frame/child.ts";
import { withClient } from "../frame/databases.ts";
import type { Installable, Stage } from "../frame/stage.ts";
import type { Contestant } from "./contestant.ts";

/** Tasks that wait in a fresh place, wherever that is, and what can be done with them. */
export type Backlog = {
  /** One worker process. Ends when nothing is left to do, or when it is killed. */
  readonly startDraining: () => Child;
  /** Whether nothing waits and nothing runs: the last completion is recorded. */
  readonly isEmpty: () => Promise<boolean>;
  /** Throws unless they were worked off as the contestant promises. */
  readonly check: () => Promise<void>;
};

/** A contestant in a burn-down. */
export type Drainer = {
  readonly name: string;
  readonly settings: string;
  /** The part of the tasks that it gets: a slow one would take minutes for all of them. */
  readonly share: number;
  /** Whether its process ends by itself when nothing is left. */
  readonly isDraining: boolean;
  /** Lend a fresh place in which `count` no-ops wait. */
  readonly withBacklog: <Result>(
    stage: Stage,
    count: number,
    use: (backlog: Backlog) => Promise<Result>,
  ) => Promise<Result>;
};

/** One whose database can be asked afterwards. */
export type PostgresDrainer = Omit<Drainer, "withBacklog"> & {
  readonly withBacklog: <Result>(
    stage: Stage,
    count: number,
    use: (backlog: Backlog, client: Client) => Promise<Result>,
  ) => Promise<Result>;
};

/** A queue on the server of the bench. */
export type OnPostgres = Installable &
  Pick<Contestant, "settings" | "startDraining" | "isEmpty" | "check"> & {
    readonly fill: (url: string, client: Client, count: number) => Promise<void>;
  };

/** Lend a database of its own for each backlog. */
export function onPostgres(
  queue: OnPostgres,
  { share = 1, isDraining }: { share?: number; isDraining: boolean },
): PostgresDrainer {
  return {
    name: queue.name,
    settings: queue.settings,
    share,
    isDraining,
    withBacklog: async (stage, count, use) =>
      await stage.withDatabase(queue, (url) =>
        withClient(url, async (client) => {
          await queue.fill(url, client, count);
          await stage.settleDown(client);
          const backlog = {
            startDraining: () => queue.startDraining(url),
            isEmpty: () => queue.isEmpty(client),
            check: () => queue.check(client, count),
          };
          return await use(backlog, client);
        }),
      ),
  };
}

/** Those that are filled by SQL. */
export function ofContestant(contestant: Contestant, share = 1): PostgresDrainer {
  const fill = (_: string, client: Client, count: number) => contestant.enqueueNoops(client, count);
  return onPostgres({ ...contestant, fill }, { share, isDraining: true });
}
