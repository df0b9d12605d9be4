/** `/api/relationships`: who depends on whom, in the shape of the file that is imported. */
import { z } from "zod";
import { FAILURES, type Gateway, type GatewayParts, isRecord, Refusal } from "../../index.ts";
import { exportedFile } from "../relationships/file-export.ts";
import { readRegistered, readRelationshipSettings, registeredBytes } from "../store.ts";

/** As long as a file that can be imported. */
const FILE_BYTES_MAX = 16_777_216;

const Json = z.record(z.string(), z.unknown());
const RepoName = z.string().min(1).max(200);

export function relationshipRoutes(app: Gateway, { queue }: GatewayParts): void {
  const config = { role: "read" } as const;
  const tags = ["triage"];
  const readFile = () =>
    queue.read(async (db) => {
      if ((await registeredBytes(db)) > FILE_BYTES_MAX) {
        throw new Refusal(413, "too_large", "There are too many relationships for one answer.", {
          hint: "triaged relationships list REPO shows those of one repository",
        });
      }
      return exportedFile({
        ...(await readRegistered(db)),
        notifications: await readRelationshipSettings(db, "notifications"),
        top: await readRelationshipSettings(db, "file"),
      });
    });

  app.get(
    "/api/relationships",
    {
      config,
      schema: {
        summary: "All relationships, as `triaged relationships export` writes them",
        tags,
        response: { 200: Json, ...FAILURES },
      },
    },
    readFile,
  );

  app.get(
    "/api/relationships/:owner/:name",
    {
      config,
      schema: {
        summary: "What is registered of one repository, with its consumers and derivatives",
        tags,
        params: z.strictObject({ owner: RepoName, name: RepoName }),
        response: { 200: Json, ...FAILURES },
      },
    },
    async ({ params: { owner, name } }) => {
      const { relationships } = await readFile();
      const repo = `${owner}/${name}`;
      const entries = isRecord(relationships) ? Object.entries(relationships) : [];
      const found =
        entries.find(([key]) => key === repo) ??
        entries.find(([key]) => key.toLowerCase() === repo.toLowerCase());
      if (found === undefined || !isRecord(found[1])) {
        throw new Refusal(404, "unknown_repository", `${repo} has no relationships.`, {
          hint: "GET /api/relationships has those that are registered",
        });
      }
      return { ...found[1] };
    },
  );
}
