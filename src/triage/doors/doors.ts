/** What triage adds to the gateway: its skills, and the routes of an older system. */
import type { ApplicationDoors } from "../../index.ts";
import { triageSettings } from "../settings.ts";
import { githubRoute } from "./github-webhook.ts";
import { relationshipRoutes } from "./relationship-routes.ts";
import { TRIAGE_SKILLS } from "./skills.ts";
import { triageRoutes } from "./triage-routes.ts";

export function triageDoors(
  {
    githubWebhookSecret: secret,
  }: {
    readonly githubWebhookSecret: string | null;
  } = triageSettings(),
): ApplicationDoors {
  return {
    agent: {
      name: "dependency-orchestrator",
      displayName: "Dependency Orchestrator",
      description: "Finds out what a change of a repository means for those that depend on it",
      capabilities: [
        "dependency_tracking",
        "impact_analysis",
        "consumer_triage",
        "template_sync",
        "async_orchestration",
      ],
    },
    skills: TRIAGE_SKILLS,
    routes: (app, parts) => {
      relationshipRoutes(app, parts);
      triageRoutes(app, parts);
      githubRoute(app, { ...parts, secret });
    },
  };
}
