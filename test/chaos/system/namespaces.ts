import type { Host, Network } from "./network.ts";
import { run } from "./processes.ts";

/** Nobody has this hardware address, so what is sent there arrives nowhere. */
const NOBODY = "02:00:00:00:00:01";

/** Null when this process may make network namespaces, else why not. */
export async function cannotMakeNamespaces(): Promise<string | null> {
  const name = `chaos-${process.pid}-probe`;
  try {
    await run(["ip", "netns", "add", name]);
  } catch (err) {
    return String(err).trim().split("\n").at(-1) ?? "";
  }
  try {
    await run([
      "ip",
      "-n",
      name,
      "link",
      "add",
      "probe0",
      "type",
      "veth",
      "peer",
      "name",
      "probe1",
    ]);
    return null;
  } catch (err) {
    return String(err).trim().split("\n").at(-1) ?? "";
  } finally {
    await run(["ip", "netns", "delete", name]);
  }
}

/** A namespace for each host, with a cable of its own to this machine. */
export async function openNamespaces(names: readonly string[]): Promise<Network> {
  await using undo = new AsyncDisposableStack();
  // Several runs beside each other need networks of their own.
  const net = `10.${200 + (process.pid % 50)}.${(process.pid >> 8) % 250}`;
  const hosts: Host[] = [];
  const listen: string[] = [];
  for (const [place, name] of names.entries()) {
    const here = `${net}.${place * 4 + 1}`;
    const there = `${net}.${place * 4 + 2}`;
    const namespace = `chaos-${process.pid}-${name}`;
    await run(["ip", "netns", "add", namespace]);
    undo.defer(() => run(["ip", "netns", "delete", namespace]));
    hosts.push(await plugIn({ name, namespace, cable: `ch${process.pid}n${place}`, here, there }));
    listen.push(here);
  }
  const owned = undo.move();
  return {
    hosts,
    listen,
    means: "network namespaces",
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The cable goes with the namespace that holds its other end. */
async function plugIn(names: {
  name: string;
  namespace: string;
  cable: string;
  here: string;
  there: string;
}): Promise<Host> {
  const { name, namespace, cable, here, there } = names;
  const inside = ["ip", "-n", namespace];
  const ends = { here: "02:00:00:00:01:01", there: "02:00:00:00:01:02" };
  const otherEnd = ["name", "eth0", "address", ends.there, "netns", namespace];
  const pair = ["address", ends.here, "type", "veth", "peer", ...otherEnd];
  await run(["ip", "link", "add", cable, ...pair]);
  await run(["ip", "address", "add", `${here}/30`, "dev", cable]);
  await run(["ip", "link", "set", cable, "up"]);
  await run([...inside, "address", "add", `${there}/30`, "dev", "eth0"]);
  await run([...inside, "link", "set", "lo", "up"]);
  const pointAt = async (ours: string, theirs: string) => {
    await run(["ip", "neigh", "replace", there, "lladdr", theirs, "dev", cable]);
    await run([...inside, "neigh", "replace", here, "lladdr", ours, "dev", "eth0"]);
  };
  const heal = async () => {
    await run([...inside, "link", "set", "eth0", "up"]);
    await pointAt(ends.here, ends.there);
  };
  await heal();
  return {
    name,
    within: (words) => ["ip", "netns", "exec", namespace, ...words],
    addressOf: (given) => {
      const url = new URL(given);
      url.hostname = here;
      // Another address than this machine's own, so TLS would be asked for.
      url.searchParams.set("sslmode", "disable");
      return Promise.resolve(url.href);
    },
    // A wrong neighbour, not a filter: it needs no module of the kernel, and no packet finds
    // another way out.
    vanish: () => pointAt(NOBODY, NOBODY),
    unplug: () => run([...inside, "link", "set", "eth0", "down"]),
    heal,
  };
}
