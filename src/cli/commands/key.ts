import { KEY_ROLES, KeyName, newKey } from "../../gateway/keys.ts";
import { choice } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { note, print, printJson } from "../terminal/output.ts";

export const keyCommand = defineCommand({
  name: "key",
  summary: "make a key for HTTP, and its row for API_KEYS_FILE",
  description:
    "API_KEYS_FILE is a JSON array of such rows. It holds the hash of each key and not the key, which\n" +
    "is shown once, here: hand it to whoever shall have it. NAME is the actor in history. The roles:\n" +
    "read; enqueue, which reads as well; operate, which also cancels, retries, decides and pauses;\n" +
    "admin, all. Asks no database, and changes nothing.",
  args: [{ name: "NAME", schema: KeyName }],
  options: {
    role: {
      short: "r",
      value: "ROLE",
      about: `one of ${KEY_ROLES.join(", ")}`,
      schema: choice(KEY_ROLES),
    },
    json: { about: "print one JSON object: key, and its row" },
  },
  examples: [
    ["key ci --role enqueue", "the row on stdout, the key on stderr"],
    ["key ci --role enqueue --json | jq -r .key", "the key, for a program"],
  ],
  run: ({ flags, args: [name] }) => {
    if (flags.role === undefined) {
      throw new UsageError("--role is missing", { hint: "triaged key --help" });
    }
    const { key, row } = newKey(name, flags.role);
    if (flags.json) {
      printJson({ key, row });
    } else {
      note(`the key of ${name}, shown once: ${key}`);
      print(JSON.stringify(row));
    }
    return Promise.resolve(0);
  },
});
