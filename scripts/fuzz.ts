// Makes up sequences of events until somebody thinks that it was enough, and wants the SQL and the
// model of test/model to agree on each.
//
//   npm run fuzz                                  5,000 sequences with a new seed
//   npm run fuzz -- --runs 100000 --seed 7        more of them; the seed makes them again
//   npm run fuzz -- --seed 7 --path 12:3:0        the one of a failure, and nothing else

import { parseArgs } from "node:util";
import { Client } from "pg";
import { migrateSchema } from "../src/database/migrate/migrate.ts";
import { findDisagreement } from "../test/model/compare.ts";
import { dropDatabase, makeDatabase, urlOf } from "../test/support/databases.ts";
import { findServer } from "../test/support/shared-server.ts";

const TELL_EACH_MS = 5_000;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5000" },
    seed: { type: "string" },
    path: { type: "string" },
  },
});
const seed = values.seed === undefined ? newSeed() : wholeNumber("seed", values.seed);
const runs = wholeNumber("runs", values.runs);

const server = await findServer();
const name = await makeDatabase(server.url, "fuzz");
const connectionString = urlOf(server.url, name);
try {
  await migrateSchema({ connectionString }, { rolePrefix: "triaged" });
  const db = new Client({ connectionString });
  await db.connect();
  try {
    await fuzz(db);
  } finally {
    await db.end();
  }
} finally {
  await dropDatabase(server.url, name);
  await server.stop();
}

async function fuzz(db: Client): Promise<void> {
  const began = performance.now();
  let told = began;
  say(`seed ${seed}, ${runs} sequences`);
  const { failure, events, covered } = await findDisagreement(db, {
    runs,
    seed,
    path: values.path,
    onRun: (count) => {
      if (performance.now() - told > TELL_EACH_MS) {
        told = performance.now();
        say(`${count} sequences, ${Math.round((told - began) / 1_000)} s`);
      }
    },
  });
  for (const [transition, count] of [...covered].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    say(`${String(count).padStart(9)}  ${transition}`);
  }
  say(`${events} events in ${Math.round((performance.now() - began) / 1_000)} s`);
  say(failure ?? "the SQL and the model agree");
  process.exitCode = failure === undefined ? 0 : 1;
}

function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) {
    throw new TypeError(`expected --${option} to be a whole number, got ${text}`);
  }
  return Number(text);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
