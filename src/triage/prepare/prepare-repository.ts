import { repositorySource } from "../changed-source.ts";
import type { ConsumerTriagePayload } from "../payload.ts";
import { serviceRequest } from "../service-request.ts";
import type { Tree } from "../tree.ts";
import { changedPackages } from "./changed-packages.ts";
import type { Found, KeptUntilEnd, Surroundings } from "./prepared.ts";
import { findSource } from "./source.ts";
import { findTarget, saysWhere, type Target } from "./target.ts";

type Options = Surroundings & { readonly kept: KeptUntilEnd };

/** Git mode, or payload mode where the repository cannot be had: a change of a repository. */
export async function prepareRepository(
  payload: ConsumerTriagePayload,
  options: Options,
): Promise<Found> {
  const found = await findSource(payload, options);
  // By an event alone the source may be anywhere, and the consumer is not looked for either.
  const isSought = found.mode === "git" || saysWhere(payload);
  const target: Target | null = isSought ? await findTarget(payload, options) : null;
  return {
    source: repositorySource(payload, found),
    targetSha: target?.sha ?? "",
    read: async () => {
      const change = await found.read();
      const consumer: Tree | null = target === null ? null : await target.open();
      const { packages, degraded, capsHit } =
        found.range === null || consumer === null
          ? NO_PACKAGES
          : await changedPackages({ range: found.range, change, consumer, payload }, options);
      return {
        service: serviceRequest(payload, { change, consumer }),
        packages,
        degraded: [...found.degraded, ...degraded],
        capsHit,
      };
    },
  };
}

const NO_PACKAGES = { packages: [], degraded: [], capsHit: [] } as const;
