import { claim } from "./claim.ts";
import { type Enqueued, enqueue, expireKeys } from "./enqueue.ts";
import { type Answer, type Enqueue, type Event, type Told, unordered } from "./events.ts";
import { cancel, decide, retry } from "./operate.ts";
import { rescue } from "./rescue.ts";
import { releaseHeld, settle } from "./settle.ts";
import { heldAttempts, heldBy, type World } from "./world.ts";

/**
 * What an event makes of the world, and the right answer to it. Where the queue is free to choose
 * (the ids of new tasks, which of several due tasks a claim takes) the model follows `given`.
 */
export function applyEvent(world: World, event: Event, given: Answer): Answer {
  const rows: readonly Told[] = Array.isArray(given) ? given : [];
  switch (event.on) {
    case "register":
      world.defaultMaxAttempts = event.maxAttempts;
      world.workers.set(Number(given), { ...event, beatAt: world.now, endedAt: null });
      return given;
    case "heartbeat":
      return heartbeat(world, event.worker);
    case "fall silent":
      return beat(world, event.worker, Number.NEGATIVE_INFINITY);
    case "end worker":
      return endWorker(world, event.worker);
    case "enqueue":
      return enqueueMany(world, [event.task], rows);
    case "enqueue many":
      return enqueueMany(world, event.tasks, rows);
    case "claim":
      return claim(world, event, rows);
    case "settle":
      return settle(world, event.outcomes);
    case "progress": {
      const task = heldBy(world, event.of);
      Object.assign(task ?? {}, { progress: event.percent });
      return task !== undefined;
    }
    case "release unknown":
      return releaseHeld(world, event.worker, event.known);
    case "rescue":
      return rescue(world, event.maxWorkers, event.maxRescues);
    case "cancel":
      return cancel(world, event.task);
    case "decide":
      return decide(world, event.task);
    case "retry":
      return retry(world, event.task);
    case "pause":
      world.paused.add(event.queue);
      return "";
    case "resume":
      world.paused.delete(event.queue);
      return "";
    case "wait":
      world.now += event.ms;
      return "";
    case "expire":
      return expireKeys(world);
  }
}

function heartbeat(world: World, id: number): Answer {
  const held = beat(world, id, world.now);
  const requests = heldAttempts(world, id).filter(
    (attempt) => heldBy(world, attempt)?.cancelRequestedAt !== null,
  );
  return { held, requests: unordered(requests) };
}

/** False for a worker that has ended. */
function beat(world: World, id: number, at: number): boolean {
  const worker = world.workers.get(id);
  if (worker === undefined || worker.endedAt !== null) {
    return false;
  }
  worker.beatAt = at;
  return true;
}

function endWorker(world: World, id: number): boolean {
  const worker = world.workers.get(id);
  if (worker === undefined || worker.endedAt !== null) {
    return false;
  }
  worker.endedAt = world.now;
  releaseHeld(world, id);
  return true;
}

/** Those with a key go first, by their keys; the answers come in the order given. */
function enqueueMany(world: World, tasks: readonly Enqueue[], given: readonly Told[]) {
  const places = [...tasks.keys()].toSorted((a, b) => {
    const [first, second] = [tasks[a]?.key ?? "~", tasks[b]?.key ?? "~"];
    return first === second ? a - b : first < second ? -1 : 1;
  });
  const answers: Enqueued[] = [];
  for (const place of places) {
    const [task, id] = [tasks[place], given[place]?.task];
    if (task !== undefined && id !== undefined) {
      answers[place] = enqueue(world, task, id);
    }
  }
  return answers;
}
