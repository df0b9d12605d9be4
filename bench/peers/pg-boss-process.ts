/** One process of pg-boss: sets up, fills, works off or produces, as PEER_ORDER says. */
import { PgBoss } from "pg-boss";
import { produce } from "../frame/produce.ts";
import { countCall } from "../frame/report.ts";
import { batchesOf, Noop, readOrder } from "./order.ts";

const QUEUE = "noop";
const FILL_SIZE = 5_000;

const { order, url } = readOrder();
// Migration and supervision are for one process of many: https://timgit.github.io/pg-boss/api/constructor
const isInstall = order.do === "install";
const boss = new PgBoss({
  connectionString: url,
  max: order.do === "produce" ? order.clients : order.do === "work" ? order.fetchers + 1 : 1,
  supervise: false,
  schedule: false,
  migrate: isInstall,
  createSchema: isInstall,
});
boss.on("error", (err) => process.stderr.write(`${String(err)}\n`));
await boss.start();

const jobs = (count: number, of: number) => Array.from({ length: count }, () => ({ data: { of } }));

switch (order.do) {
  case "install":
    await boss.createQueue(QUEUE);
    break;
  case "fill":
    for (const size of batchesOf(order.count, FILL_SIZE)) {
      await boss.insert(QUEUE, jobs(size, order.count));
    }
    break;
  case "produce":
    await produce(order, async (_, size) => {
      await (order.batch === 1
        ? boss.send(QUEUE, { of: order.count })
        : boss.insert(QUEUE, jobs(size, order.count)));
    });
    break;
  case "work":
    // "While each fetch returns a full batch, keep fetching with no delay", and "batchSize":
    // https://timgit.github.io/pg-boss/api/workers. A batch is completed by one statement.
    await boss.work(
      QUEUE,
      {
        batchSize: order.batch,
        localConcurrency: order.fetchers,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
      },
      (batch) => {
        for (const { data } of batch) {
          countCall(Noop.parse(data).of);
        }
        return Promise.resolve();
      },
    );
    break;
}
if (order.do !== "work") {
  await boss.stop({ graceful: false });
}
