import { existsSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { makeTemporaryFolder } from "../support/folders-and-ports.ts";
import { runCli } from "../support/processes.ts";

test("psql prints the connection where nobody sits at a terminal", async ({ database }) => {
  const { code, stdout } = await runCli(["psql"], { env: { DATABASE_URL: database.url } });

  expect({ code, stdout }).toEqual({ code: 0, stdout: `${database.url}\n` });
});

const BUNDLE = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"].find(
  (file) => existsSync(file),
);

// libpq knows the authorities of the system by that name from 16 on; Debian 12 has 15.
test.for([
  { version: "15.18", authorities: BUNDLE ?? null },
  { version: "16.0", authorities: "system" },
])(
  "psql $version is told of the authorities in its own words",
  async ({ version, authorities }) => {
    const folder = await makeTemporaryFolder();
    try {
      const psql = path.join(folder.path, "psql");
      await writeFile(psql, `#!/bin/sh\necho 'psql (PostgreSQL) ${version} (Debian)'\n`);
      await chmod(psql, 0o755);

      const { stdout } = await runCli(["psql"], {
        env: {
          DATABASE_URL: "postgres://ada@db.example/queue?sslmode=verify-full",
          PATH: `${folder.path}:${process.env["PATH"]}`,
        },
      });

      expect(new URL(stdout.trim()).searchParams.get("sslrootcert")).toBe(authorities);
    } finally {
      await folder.remove();
    }
  },
);
