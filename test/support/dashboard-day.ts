/**
 * A believable hour of a shop's queue, for pictures of pages: told by the functions of the queue
 * themselves, at instants up to now. The clock of its connection is stopped at each of them.
 */
import type { Client } from "pg";
import { inSchema } from "../../src/database/database.ts";
import { recordVerify } from "../../src/database/verify/runs.ts";
import { found } from "./connections.ts";
import { relate } from "./relationships.ts";
import { SHOP_VERDICT } from "./shop-verdict.ts";
import {
  type Claimed,
  call,
  claimTasks,
  enqueue,
  type Outcome,
  outcomeOf,
  query,
  queryOne,
  settle,
  startWorker,
} from "./tasks.ts";
import { verify } from "./verify.ts";

type Row = Record<string, unknown>;

/** Tasks and operations that have pictures of their own. */
export type Day = {
  readonly workers: readonly string[];
  readonly judged: string;
  readonly asked: string;
  readonly operation: string;
  /** When much ran, and the ledger was away. */
  readonly instant: string;
};

const QUEUES = ["default", "mail", "media", "billing"];
const TYPES = [
  "send_mail",
  "resize_image",
  "sync_invoice",
  "refund_order",
  "change_notification",
  "consumer_triage",
];
const MINUTES = 56;

/** Fill the queue with the hour before `now`. */
export async function tellDay(db: Client, now = Date.now()): Promise<Day> {
  const at = async (secondsAgo: number) => {
    const instant = new Date(now - secondsAgo * 1000).toISOString();
    await db.query("select set_config('triaged.fake_now', $1, false)", [instant]);
  };
  await at(MINUTES * 60);
  const lanes = { queues: QUEUES, task_types: TYPES, concurrency: 20 };
  const workers = [
    await startWorker(db, { ...lanes, name: "shop-worker-1", host: "shop-1" }),
    await startWorker(db, { ...lanes, name: "shop-worker-2", host: "shop-2", concurrency: 10 }),
  ];
  const worker = found(workers[0]);
  await db.query("select triaged.fold_history()");
  await db.query(
    `select set_config('triaged.actor', 'ann', false),
       set_config('triaged.reason', 'from relationships.json', false)`,
  );
  await relateShops(db);
  await db.query(
    "select set_config('triaged.actor', '', false), set_config('triaged.reason', '', false)",
  );
  let judged = "";
  for (let minute = MINUTES; minute > 2; minute -= 1) {
    await tellMinute(db, { minute, worker: found(workers[minute % 2]), at });
    if (minute === 14) judged = await tellTriage(db, worker, at);
    for (const one of workers) await call(db, "heartbeat_worker", { worker_id: one });
  }
  await at(100);
  const asked = await askForRefund(db, worker);
  await leaveWaiting(db, worker);
  const operation = await operate(db, at);
  await at(0);
  for (const one of workers) await call(db, "heartbeat_worker", { worker_id: one });
  await db.query("select set_config('triaged.fake_now', '', false)");
  const beganAt = new Date();
  await db.query("select triaged.fold_history()");
  await db.query("begin");
  const report = await verify(db);
  await db.query("commit");
  await recordVerify(inSchema(db), report, beganAt);
  const instant = new Date(now - 22 * 60_000 + 4_000).toISOString();
  return { workers, judged, asked, operation, instant };
}

function files(...interface_files: string[]): { config: Row } {
  return { config: { interface_files } };
}

async function relateShops(db: Client): Promise<void> {
  await relate(db, "demo/pay-api", "demo/shop", files("src/pay.js"));
  await relate(db, "demo/pay-api", "demo/billing", files("src/charges.ts"));
  await relate(db, "demo/pay-api", "demo/mobile-app", files("lib/pay.ts"));
  await relate(db, "demo/mail-kit", "demo/shop", files("src/mail.ts"));
  await relate(db, "demo/mail-kit", "demo/billing", files("src/invoices.ts"));
  await relate(db, "demo/service-template", "demo/pay-api", { type: "template_fork" });
  await relate(db, "demo/service-template", "demo/billing", { type: "template_fork" });
}

type Minute = {
  /** How many minutes before now. */
  readonly minute: number;
  readonly worker: string;
  readonly at: (secondsAgo: number) => Promise<void>;
};

/** Some tasks of each kind, claimed soon after, and ended in two parts. */
async function tellMinute(db: Client, { minute, worker, at }: Minute): Promise<void> {
  const begin = minute * 60;
  // As in a shop: more in waves, and always the same, so that pictures differ little.
  const wave = Math.round(3 + 2 * Math.sin(minute / 6));
  await at(begin);
  for (let count = 0; count < wave; count += 1) {
    const order = 4_000 + minute * 10 + count;
    await enqueue(db, {
      task_type: "send_mail",
      queue: "mail",
      payload: { to: `customer-${order}@example.org`, subject: `Your order ${order}` },
    });
  }
  if (minute % 2 === 0) {
    const picture = { bucket: "products", key: `${4_000 + minute}.jpg`, width: 640 };
    await enqueue(db, { task_type: "resize_image", queue: "media", payload: picture });
  }
  const invoices = minute > 18 && minute < 26 ? 4 : 1;
  for (let count = 0; count < invoices; count += 1) {
    const invoice = `R-2026-${1_000 + minute * 5 + count}`;
    await enqueue(db, {
      task_type: "sync_invoice",
      queue: "billing",
      payload: { invoice, cents: 1_990 + minute * 100 },
      max_attempts: 1,
    });
  }
  await at(begin - 1 - ((minute * minute) % 7) / 4);
  const claimed = await claimTasks(db, worker);
  await at(begin - 5 - (minute % 3));
  await settle(
    db,
    claimed.filter((task) => !isSlow(task)).map((task) => endOf(task, minute)),
  );
  await at(begin - 14 - ((minute * minute) % 11) * 2);
  await settle(
    db,
    claimed.filter(isSlow).map((task) => endOf(task, minute)),
  );
}

function isSlow({ task_type }: Claimed): boolean {
  return task_type !== "send_mail";
}

/** Mostly as it should be; for some minutes the ledger is away. */
function endOf(task: Claimed, minute: number): Outcome {
  if (task["task_type"] === "sync_invoice" && minute > 18 && minute < 26) {
    return outcomeOf(task, "fail", {
      error: `Error: the ledger does not answer: connect ECONNREFUSED 10.0.4.${minute}:8443\n    at Ledger.post (src/ledger.ts:41:11)`,
      detail: { class: "other" },
    });
  }
  if (task["task_type"] === "resize_image" && minute % 20 === 0) {
    const error = "Error: Input buffer contains unsupported image format";
    return outcomeOf(task, "fail", { error, detail: { class: "permanent" } });
  }
  return outcomeOf(task, "finish", { result: { ok: true } });
}

/** A change of a service, told to whom it concerns: one breaks, as docs/triage.md tells it. */
async function tellTriage(db: Client, worker: string, at: Minute["at"]): Promise<string> {
  const change_event = {
    source_repo: "demo/pay-api",
    commit_sha: SHOP_VERDICT.evidence.source.head_sha,
    commit_message: 'feat!: move "charges" to v2',
    branch: "main",
  };
  await call(db, "notify_change", { event: change_event });
  const [parent] = await claimTasks(db, worker);
  const targets = ["demo/billing", "demo/mobile-app", "demo/shop"];
  const ids: string[] = [];
  for (const target_repo of targets) {
    const payload = { source_repo: "demo/pay-api", target_repo, change_event };
    const parent_task_id = found(parent).task_id;
    ids.push(await enqueue(db, { task_type: "consumer_triage", payload, parent_task_id }));
  }
  const consumers_scheduled = targets.map((repo, place) => ({ repo, task_id: ids[place] }));
  const result = {
    status: "accepted",
    source_repo: "demo/pay-api",
    total_dependents: targets.length,
    consumers_scheduled,
  };
  await settle(db, [outcomeOf(found(parent), "finish", { result })]);
  const children = await claimTasks(db, worker);
  await at(14 * 60 - 39);
  for (const child of children) await judge(db, child);
  return found(ids.at(-1));
}

async function judge(db: Client, task: Claimed): Promise<void> {
  const { target_repo } = await queryOne<{ target_repo: string }>(
    db,
    "select payload ->> 'target_repo' as target_repo from triaged.tasks where task_id = $1",
    [task.task_id],
  );
  const isHit = target_repo === "demo/shop";
  const result = isHit ? SHOP_VERDICT : unharmed(target_repo);
  const held = { task_id: task.task_id, attempt: task.attempt_count };
  await call(db, "take_verdict", { cache_key: target_repo, ...held });
  await call(db, "store_verdict", {
    cache_key: target_repo,
    ...held,
    verdict: result,
    relationship_type: "api_consumer",
    config_hash: "c0ffee",
  });
  const outcomes = JSON.stringify([outcomeOf(task, "finish", { result })]);
  const effect = { ...held, key: `issue of ${target_repo}`, kind: "github_issue" };
  const payload = { target_repo, urgency: "high", impact_summary: result.impact_summary };
  const webhook = { ...held, key: `webhook of ${target_repo}`, kind: "webhook", payload };
  const effects = isHit ? [{ ...effect, payload }, webhook] : [];
  await call(db, "settle_tasks_with_effects", {
    outcomes,
    effects: JSON.stringify(effects),
  });
  const made = await query<{ effect_id: string; kind: string }>(
    db,
    "select effect_id, kind from triaged.effects where task_id = $1",
    [task.task_id],
  );
  for (const { effect_id, kind } of made) {
    const { attempts } = await queryOne<{ attempts: number }>(
      db,
      "select attempts from triaged.claim_effect($1, 60000)",
      [effect_id],
    );
    const end =
      kind === "webhook"
        ? ["failed", null, "the receiver answered 410 Gone"]
        : ["delivered", "https://github.com/demo/shop/issues/17", null];
    await db.query("select triaged.settle_effect($1, $2, $3, $4, $5)", [
      effect_id,
      attempts,
      ...end,
    ]);
  }
}

/** A verdict on whom the change does not meet. */
function unharmed(repo: string): typeof SHOP_VERDICT {
  const findings = SHOP_VERDICT.evidence.findings.map((one) => ({
    ...one,
    usage: "none" as const,
    hits: [],
  }));
  return {
    ...SHOP_VERDICT,
    requires_action: false,
    urgency: "low",
    confidence: 0.85,
    impact_summary: `Nothing that ${repo} uses of demo/pay-api has changed.`,
    affected_files: [],
    recommended_changes: "",
    reasoning: "1 breaking change found, of which no use was found.",
    evidence: {
      ...SHOP_VERDICT.evidence,
      usage: "none",
      findings,
      target: { repo, sha: "5d1c0de" },
    },
  };
}

/** A task that asks a person. */
async function askForRefund(db: Client, worker: string): Promise<string> {
  const id = await enqueue(db, {
    task_type: "refund_order",
    queue: "billing",
    payload: { order: 4_217, cents: 48_000, customer: "customer-4217@example.org" },
    metadata: { requested_by: "support" },
  });
  const claimed = await claimTasks(db, worker);
  await settle(
    db,
    claimed.map((task) =>
      outcomeOf(task, "ask", {
        prompt:
          "Refund 480.00 EUR of order 4217? It was delivered 31 days ago; returns end after 30.",
        result: { delivered_days_ago: 31, refunds_of_customer: 0 },
      }),
    ),
  );
  return id;
}

/** What runs now, what waits, and what is due later. */
async function leaveWaiting(db: Client, worker: string): Promise<void> {
  for (const key of ["4301.jpg", "4302.jpg", "4303.jpg"]) {
    await enqueue(db, {
      task_type: "resize_image",
      queue: "media",
      payload: { key, width: 1_280 },
    });
  }
  const running = await claimTasks(db, worker);
  for (const [place, { task_id }] of running.entries()) {
    await db.query("select triaged.report_progress($1, 1, $2, $3)", [
      task_id,
      35 + place * 20,
      "scaling to 1280 px",
    ]);
  }
  for (let order = 4_310; order < 4_314; order += 1) {
    const payload = { to: `customer-${order}@example.org`, subject: `Your order ${order}` };
    await enqueue(db, { task_type: "send_mail", queue: "mail", payload });
  }
  const run_at = new Date(Date.now() + 9 * 3_600_000).toISOString();
  await enqueue(db, { task_type: "sync_invoice", queue: "billing", run_at });
  for (const report of ["stock", "returns"]) {
    await enqueue(db, { task_type: "export_report", queue: "reports", payload: { report } });
  }
}

/** What people did: for the last of these, an operation on many tasks that goes on. */
async function operate(db: Client, at: Minute["at"]): Promise<string> {
  const act = async (who: string, why: string, statement: string, values: unknown[]) => {
    await db.query("begin");
    await db.query(
      "select set_config('triaged.actor', $1, true), set_config('triaged.reason', $2, true)",
      [who, why],
    );
    const done = await queryOne<{ id: string }>(db, `select (${statement})::text as id`, values);
    await db.query("commit");
    return done.id;
  };
  await at(80);
  await act("ann", "the warehouse moves until Monday", "triaged.pause_queue($1)", ["reports"]);
  const [failed] = await query<Row>(
    db,
    "select task_id from triaged.tasks where status = 'failed' and task_type = 'resize_image' order by task_id limit 1",
  );
  await act("ben", "the picture was replaced", "triaged.retry_task($1)", [
    found(failed)["task_id"],
  ]);
  await at(50);
  const id = await act("ann", "the ledger answers again", "triaged.start_operation($1, $2)", [
    "retry",
    JSON.stringify({ task_type: "sync_invoice", status: "failed" }),
  ]);
  await at(40);
  await db.query("select triaged.advance_operation($1, 12)", [id]);
  return id;
}
