/** A process that enqueues by SQL alone, as SQL_PRODUCTION says: a connection for each client. */
import { Client } from "pg";
import { z } from "zod";
import { produce } from "../frame/produce.ts";

const Environment = z.object({
  DATABASE_URL: z.string(),
  SQL_PRODUCTION: z.string().transform((text) =>
    z
      .object({
        one: z.string(),
        many: z.string(),
        typeKey: z.string(),
        count: z.int(),
        clients: z.int(),
        batch: z.int(),
      })
      .parse(JSON.parse(text)),
  ),
});

// oxlint-disable-next-line node/no-process-env -- A process of its own, started by the bench.
const { DATABASE_URL, SQL_PRODUCTION: production } = Environment.parse(process.env);
const { one, many, typeKey, count } = production;

const clients = await Promise.all(
  Array.from({ length: production.clients }, async () => {
    const client = new Client({ connectionString: DATABASE_URL });
    await client.connect();
    return client;
  }),
);
const payload = { of: count };
await produce(production, async (place, size) => {
  const items = Array.from({ length: size }, () => ({ [typeKey]: "noop", payload }));
  await clients[place]?.query(
    production.batch === 1
      ? { text: one, values: [JSON.stringify(payload)] }
      : { text: many, values: [JSON.stringify(items)] },
  );
});
await Promise.all(clients.map((client) => client.end()));
