import { migrateSchema } from "../../src/database/migrate/migrate.ts";
import { type MigrateOptions } from "../../src/database/migrate/steps.ts";

/** What the roles of test databases begin with: hundreds of their own would stay on the server. */
export const ROLE_PREFIX = "triaged";

/** Migrate a test database, with roles that all of them share. */
export async function migrate(
  connection: Parameters<typeof migrateSchema>[0],
  options: MigrateOptions = {},
): ReturnType<typeof migrateSchema> {
  return await migrateSchema(connection, { rolePrefix: ROLE_PREFIX, ...options });
}
