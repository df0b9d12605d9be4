import type { Client } from "pg";
import { withClient } from "../frame/databases.ts";
import type { Installable } from "../frame/stage.ts";

/** How often a queue asked the server to work a round off. */
export type RoundTrips = { readonly claims: number; readonly settles: number };

/** No queue: what inserting, reading and deleting the same payloads costs at the least. */
export const plainTable = {
  name: "plain insert + delete",
  settings:
    "one connection, a table of an identity key and the payload; " +
    "as many inserts, reads and deletes as triaged makes enqueues, claims and settles",
  install: (url: string) =>
    withClient(url, async (client) => {
      await client.query(
        `create table plain (
           id bigint generated always as identity primary key,
           payload jsonb not null
         )`,
      );
    }),
} satisfies Installable & { settings: string };

/** Insert a JSON array of objects with a payload. */
export async function insertPlain(client: Client, batch: string): Promise<void> {
  await client.query(
    `insert into plain (payload)
     select given -> 'payload' from jsonb_array_elements($1::jsonb) as given`,
    [batch],
  );
}

/** Read all rows as text, and delete them by their keys, in so many round trips. */
export async function readAndDelete(
  client: Client,
  rows: number,
  { claims, settles }: RoundTrips,
): Promise<void> {
  const readAtOnce = Math.ceil(rows / claims);
  const deletedAtOnce = Math.ceil(rows / settles);
  const read: string[] = [];
  let after = "0";
  for (let left = rows; left > 0; left -= Math.min(deletedAtOnce, left)) {
    while (read.length < Math.min(deletedAtOnce, left)) {
      const found = await client.query<{ id: string }>({
        name: "read",
        text: "select id, payload::text from plain where id > $1 order by id limit $2",
        values: [after, readAtOnce],
      });
      if (found.rows.length === 0) {
        throw new Error(`expected ${rows} rows in the plain table, ${left} are missing`);
      }
      read.push(...found.rows.map(({ id }) => id));
      after = read.at(-1) ?? after;
    }
    await client.query({
      name: "delete",
      text: "delete from plain where id = any ($1)",
      values: [read.splice(0, deletedAtOnce)],
    });
  }
}
