import { configHashOf, type KeyInputs } from "../key-inputs.ts";
import { isNpmPayload } from "../npm-request.ts";
import type { ConsumerTriagePayload } from "../payload.ts";
import { preparePackage } from "./prepare-package.ts";
import { prepareRepository } from "./prepare-repository.ts";
import { KeptUntilEnd, type Prepared, type Surroundings } from "./prepared.ts";

/**
 * Find out what a payload asks about: the upgrade of a package (npm mode), commits of a
 * repository (git mode), or the diffs of an event (payload mode), and the consumer.
 *
 * Throws a PermanentError for what is not there or not said, a RetryableError for what cannot
 * be reached, the signal's reason when that aborts.
 */
export async function prepare(
  payload: ConsumerTriagePayload,
  surroundings: Surroundings,
): Promise<Prepared> {
  const kept = new KeptUntilEnd();
  const options = { ...surroundings, kept };
  const { source, targetSha, read } = isNpmPayload(payload)
    ? await preparePackage(payload, options)
    : await prepareRepository(payload, options);
  const { relationship_config: config } = payload;
  const keyInputs: KeyInputs = {
    sourceRepo: payload.source_repo,
    baseSha: source.baseSha,
    headSha: source.headSha,
    targetRepo: payload.target_repo,
    targetSha,
    relationshipType: config.relationship_type,
    configHash: configHashOf(config),
    payloadHash: source.payloadHash,
  };
  return {
    asked: { payload, source, keyInputs },
    read,
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}
