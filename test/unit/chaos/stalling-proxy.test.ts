import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { test as base, expect, vi } from "vitest";
import { openProxies } from "../../chaos/system/stalling-proxy.ts";

/** A connection of a host to a server that echoes, and what came back so far. */
const test = base.extend<{ line: Awaited<ReturnType<typeof openLine>> }>({
  line: async ({}, use) => {
    const line = await openLine();
    await use(line);
    await line.close();
  },
});

async function openLine() {
  const server = createServer((client) => client.on("error", () => undefined).pipe(client));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- It listens on a port.
  const { port } = server.address() as AddressInfo;
  const network = openProxies(["one"], "a test");
  const [host] = network.hosts;
  if (host === undefined) {
    throw new Error("expected a host");
  }
  const client = connect(
    Number(new URL(await host.addressOf(`postgres://127.0.0.1:${port}`)).port),
  );
  let received = "";
  client.on("data", (data) => {
    received += String(data);
  });
  const close = async () => {
    client.destroy();
    await network[Symbol.asyncDispose]();
    server.close();
  };
  return { host, client, port, received: () => received, close };
}

test("a host that vanished hears nothing until it is healed, and then everything", async ({
  line: { host, client, received, port },
}) => {
  client.write("first ");
  await vi.waitFor(() => expect(received()).toBe("first "));

  await host.vanish();
  client.write("second ");
  const later = connect(client.remotePort ?? 0);
  later.write("third");
  await roundTrips(port, 20);
  expect(received()).toBe("first ");

  await host.heal();
  await vi.waitFor(() => expect(received()).toBe("first second "));
  await expect(once(later, "data").then(String)).resolves.toBe("third");
  later.destroy();
});

test("a host that is unplugged loses its connections, and gets none", async ({
  line: { host, client },
}) => {
  await once(client, "connect");
  const port = client.remotePort ?? 0;
  client.on("error", () => undefined);

  await host.unplug();

  await once(client, "close");
  const next = connect(port).on("error", () => undefined);
  await once(next, "close");
  await host.heal();
  const last = connect(port);
  last.write("again");
  await expect(once(last, "data").then(String)).resolves.toBe("again");
  last.destroy();
});

/** As long as answers take that go past the proxy. */
async function roundTrips(port: number, count: number): Promise<void> {
  const client = connect(port);
  for (let trip = 0; trip < count; trip++) {
    client.write("ping");
    await once(client, "data");
  }
  client.destroy();
}
