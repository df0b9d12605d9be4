/** Repositories and relationships of the older orchestrator, as `triaged import` takes them over. */
import { z } from "zod";
import { readOlderRelationships, readOlderRepositories, type TakeOver } from "../../index.ts";
import { RELATIONSHIP_TYPES, saveRelationship, saveRepository } from "../store.ts";

/** Columns that hold what the configuration of a relationship holds here. */
const CONFIG_COLUMNS = [
  "interface_files",
  "change_triggers",
  "shared_concerns",
  "divergent_concerns",
  "urgency_mapping",
];

const RelationshipType = z.enum(RELATIONSHIP_TYPES);

export const takeOverRelationships: TakeOver = async ({ there, queue, here }) => {
  const repositories =
    queue.system === "orchestrator" ? await readOlderRepositories(there, queue.schema) : null;
  if (repositories === null) return [];
  for (const { repo_name: repoName, repo_type: repoType, metadata } of repositories) {
    await saveRepository(here, { repoName, repoType, metadata: metadata ?? {} });
  }
  const relationships = await readOlderRelationships(there, queue.schema, CONFIG_COLUMNS);
  for (const { source_repo, target_repo, relationship_type, config } of relationships) {
    await saveRelationship(here, {
      sourceRepo: source_repo,
      targetRepo: target_repo,
      relationshipType: RelationshipType.parse(relationship_type),
      config,
    });
  }
  return [`Repositories: ${repositories.length}, relationships: ${relationships.length}.`];
};
