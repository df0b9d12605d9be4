/**
 * What an application adds to the program `triaged`: handlers, deliveries of effects, maintenance
 * jobs, commands, doors of the gateway, pages, and what it takes over from older systems. The
 * queue's own commands never name one; bin/triaged.js chooses it. Types alone, and what is costly
 * to load is behind a function: a start stays quick.
 */
import type { ApplicationPages } from "../dashboard/page.ts";
import type { ApplicationDoors } from "../gateway/gateway.ts";
import type { TakeOver } from "../import/source.ts";
import type { MaintenanceJob } from "../jobs/job.ts";
import type { Deliveries } from "../outbox/delivery.ts";
import type { Command } from "./terminal/command.ts";

export type Application = {
  /** Folder of the handlers that run where neither --tasks nor ./tasks names others; absolute. */
  readonly handlers: string;
  /** How effects leave, for each kind that the handlers ask for. */
  readonly deliveries: () => Promise<Deliveries>;
  /** Maintenance jobs beside the queue's, in the order in which `triaged jobs --once` runs them. */
  readonly jobs: () => Promise<readonly MaintenanceJob[]>;
  /** Skills and routes beside those of the queue, for `triaged serve`. */
  readonly doors: () => Promise<ApplicationDoors>;
  /** What `triaged import` takes over of the application's, beside tasks. */
  readonly takeOver: () => Promise<TakeOver>;
  /** Pages of the dashboard beside the queue's, and results as people read them. */
  readonly pages: () => Promise<ApplicationPages>;
  /** Commands beside the queue's, in the order of the help, which lists them last. */
  readonly commands: CommandList;
};

/**
 * Commands by name, each loaded when it is asked for. A name of two words is that of a group and
 * of a command in it.
 */
export type CommandList = ReadonlyMap<string, () => Promise<Command>>;
