/** The queue's pages, in the order of the navigation; those of an application follow. */
import type { Page } from "./page.ts";
import { actOnAllPage } from "./pages/act-on-all.ts";
import { attentionPage } from "./pages/attention.ts";
import { auditPage } from "./pages/audit.ts";
import { effectsPage } from "./pages/effects.ts";
import { operationPage, operationsPage } from "./pages/operations.ts";
import { overviewPage } from "./pages/overview.ts";
import { queuesPage } from "./pages/queues.ts";
import { schedulesPage } from "./pages/schedules.ts";
import { taskPage } from "./pages/task.ts";
import { tasksPage } from "./pages/tasks.ts";
import { thenPage } from "./pages/then.ts";
import { workersPage } from "./pages/workers.ts";

export const PAGES: readonly Page[] = [
  overviewPage,
  tasksPage,
  actOnAllPage,
  taskPage,
  attentionPage,
  schedulesPage,
  queuesPage,
  workersPage,
  effectsPage,
  thenPage,
  operationsPage,
  operationPage,
  auditPage,
];
