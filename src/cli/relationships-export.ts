import { writeFile } from "node:fs/promises";
import { hasCode } from "../has-code.ts";
import {
  readRegistered,
  readRelationshipSettings,
  registeredBytes,
} from "../postgres/relationship-store.ts";
import { text } from "../setting.ts";
import { relationshipsDocument } from "../triage/relationships/relationships-document.ts";
import { defineCommand } from "./command.ts";
import { print, printDocument } from "./print.ts";
import { RELATIONSHIPS_FILE_BYTES_MAX } from "./relationships-import.ts";
import { UsageError } from "./usage-error.ts";
import { withDatabase } from "./with-database.ts";

export const relationshipsExport = defineCommand({
  name: "relationships export",
  summary: "write all of it as a relationships.json, which `relationships import` takes",
  description:
    "FILE must not be there yet, unless --force; - or nothing is stdout. What an import kept is in\n" +
    "it again: keys that nothing reads, comments, notification_settings, parent_template.",
  args: [{ name: "FILE", schema: text({ max: 4096 }), optional: true }],
  options: {
    force: { about: "write over FILE" },
    json: { about: "the same: it is JSON either way" },
  },
  examples: [
    ["relationships export", "to stdout"],
    ["relationships export config/relationships.json --force", "over the file that was imported"],
  ],
  run: ({ flags, args: [name] }) =>
    withDatabase(async ({ inSnapshot }) => {
      const held = await inSnapshot(async (db) => {
        const bytes = await registeredBytes(db);
        if (bytes > RELATIONSHIPS_FILE_BYTES_MAX) throw tooLarge(bytes);
        return {
          ...(await readRegistered(db)),
          notifications: await readRelationshipSettings(db, "notifications"),
          top: await readRelationshipSettings(db, "file"),
        };
      });
      const content = `${JSON.stringify(relationshipsDocument(held), null, 2)}\n`;
      if (Buffer.byteLength(content) > RELATIONSHIPS_FILE_BYTES_MAX) {
        throw tooLarge(Buffer.byteLength(content));
      }
      if (name === undefined || name === "-") {
        printDocument(content);
      } else {
        await write(name, content, { force: flags.force });
        print(`${held.relationships.length} relationships are in ${name}`);
      }
      return 0;
    }),
});

async function write(name: string, content: string, { force }: { force: boolean }): Promise<void> {
  try {
    await writeFile(name, content, { flag: force ? "w" : "wx" });
  } catch (err) {
    const isThere = err instanceof Error && hasCode(err, "EEXIST");
    throw new UsageError(
      isThere ? `${name} is there already` : `cannot write ${name}: ${String(err)}`,
      { hint: isThere ? "--force writes over it" : "name a file in a folder that is there" },
    );
  }
}

function tooLarge(bytes: number): UsageError {
  return new UsageError(
    `the file would have ${Math.ceil(bytes)} bytes, more than the ${RELATIONSHIPS_FILE_BYTES_MAX} that an import takes`,
    { hint: "triaged relationships list REPO --json shows those of one repository" },
  );
}
