import { once } from "node:events";
import { createServer, type Socket } from "node:net";

/**
 * A server that speaks just enough of the PostgreSQL protocol to let anybody in and answer
 * every question with the row that a server of that version would give to
 * readSchemaState. For versions that no package installs any more.
 */
export async function startOldServer(
  versionNumber: number,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      // Whatever the startup message says: welcome.
      socket.write(Buffer.concat([message("R", int32(0)), READY]));
      socket.on("data", (data: Buffer) => answer(socket, data, String(versionNumber)));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) {
    throw new Error("expected an address, got none");
  }
  return {
    url: `postgres://anybody@127.0.0.1:${address.port}/any`,
    stop: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

const READY = message("Z", Buffer.from("I"));

/** A Sync ('S') ends a question; a Terminate ('X') needs no answer. */
function answer(socket: Socket, data: Buffer, version: string): void {
  if (!data.subarray(0, 1).equals(Buffer.from("X"))) {
    socket.write(
      Buffer.concat([
        message("1"),
        message("2"),
        message("T", int16(2), column("version", 23), column("migrated", 16)),
        message("D", int16(2), text(version), text("f")),
        message("C", Buffer.from("SELECT 1\0")),
        READY,
      ]),
    );
  }
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function column(name: string, typeId: number): Buffer {
  return Buffer.concat([
    Buffer.from(`${name}\0`),
    int32(0),
    int16(0),
    int32(typeId),
    int16(4),
    int32(-1),
    int16(0),
  ]);
}

function text(value: string): Buffer {
  return Buffer.concat([int32(value.length), Buffer.from(value)]);
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
