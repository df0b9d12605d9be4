import { defineHandler } from "../src/index.ts";
import {
  changeNotification,
  notificationResult,
} from "../src/triage/notification/change-notification.ts";
import { fanOut } from "../src/triage/notification/fan-out.ts";
import { triageSettings } from "../src/triage/settings.ts";

/** A repository changed: a task for each repository that is registered to depend on it. */
export default defineHandler({
  payload: changeNotification,
  result: notificationResult,
  // What it does not read goes on to the tasks of the dependents.
  bigints: true,
  version: "1.1.0",
  timeout: 120_000,
  run: (notification, context) => fanOut(notification, context, triageSettings().repositories),
});
