import type { Deliveries } from "../../index.ts";
import { contextSinkDelivery } from "./context-sink.ts";
import { githubIssueDelivery } from "./github-issue.ts";
import { webhookDelivery } from "./webhook.ts";

/** How the effects of verdicts leave. A `digest` does not: it is gathered into an issue. */
export const DELIVERIES: Deliveries = {
  github_issue: githubIssueDelivery,
  webhook: webhookDelivery,
  context_sink: contextSinkDelivery,
};
