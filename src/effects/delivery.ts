import type { EffectsConfig } from "../effects-config.ts";
import type { ClaimedEffect } from "../postgres/effect-store.ts";
import type { PushConfig } from "../postgres/push-config-store.ts";
import type { Exchange } from "./exchange.ts";

/** Thrown: nothing here is set up to take the effect, or it is not wanted any more. */
export class Skipped extends Error {
  override readonly name = "Skipped";
}

export type DeliveryContext = {
  readonly config: EffectsConfig;
  readonly exchange: Exchange;
  /** Nobody can have sent this effect before. */
  readonly isFirstTry: boolean;
  /** Who is to be told of a task; null: they are not there any more. */
  readonly pushConfig: (id: string) => Promise<PushConfig | null>;
};

/** What would be sent: for the modes that write it down. */
export type Rendered = {
  /** Where to, without secrets. */
  readonly to: string;
  readonly body: unknown;
  /** For people, in Markdown, where there is such a thing. */
  readonly text?: string;
};

/** How effects of one kind leave the house. Both throw a PermanentError for a wrong payload. */
export type Delivery = {
  readonly render: (effect: ClaimedEffect, config: EffectsConfig) => Rendered;
  /**
   * One try; resolves with what the other side calls it, or null. It may be the second one at
   * the same effect, and nobody knows how far the first one came. Throws as Exchange does.
   */
  readonly deliver: (effect: ClaimedEffect, context: DeliveryContext) => Promise<string | null>;
};
