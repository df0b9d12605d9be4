import {
  type ClaimedEffect,
  type EffectDelivery,
  parseEffectPayload,
  SkippedEffect,
} from "../../index.ts";

import { noticeSchema } from "./notice.ts";

/** A lesson for the knowledge base of the older system. */
export const contextSinkDelivery: EffectDelivery = {
  render: (effect) => ({ to: "DEV_NEXUS_URL", body: lessonOf(effect) }),

  async deliver(effect, { config, exchange }) {
    if (config.contextUrl === null) {
      throw new SkippedEffect("DEV_NEXUS_URL is not set");
    }
    await exchange({
      method: "POST",
      url: `${config.contextUrl}/api/kb/lessons-learned`,
      body: JSON.stringify(lessonOf(effect)),
      // The operator's own setting.
      guarded: false,
    });
    return null;
  },
};

function lessonOf({ payload }: ClaimedEffect): Record<string, unknown> {
  const about = parseEffectPayload(noticeSchema, payload);
  return {
    repo: about.target_repo,
    lesson: about.impact_summary,
    source_commit: about.commit_sha,
    confidence: about.confidence,
    category: about.relationship_type === "template_fork" ? "template_triage" : "consumer_triage",
  };
}
