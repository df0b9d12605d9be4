import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";

export type StandIn = {
  readonly port: number;
  /** How the connections came in, in their order. */
  readonly connections: ("plain" | "encrypted")[];
  readonly stop: () => Promise<void>;
};

/**
 * A server that speaks just enough of the PostgreSQL protocol to let anybody in and answer
 * every question with the row that a server of that version would give to
 * readSchemaState. For versions that no package installs any more, and for TLS, which it
 * offers when given a certificate.
 */
export async function startStandIn(options: {
  versionNumber: number;
  secureContext?: SecureContext;
}): Promise<StandIn> {
  const connections: StandIn["connections"] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (first) => {
      const asksForTls = first.length === 8 && first.readInt32BE(4) === TLS_REQUEST;
      if (!asksForTls) {
        connections.push("plain");
        serve(socket, options.versionNumber);
      } else if (options.secureContext === undefined) {
        socket.end("N");
      } else {
        socket.write("S");
        const { secureContext } = options;
        const secure = new TLSSocket(socket, { isServer: true, secureContext });
        secure.on("error", () => undefined);
        secure.once("data", () => {
          connections.push("encrypted");
          serve(secure, options.versionNumber);
        });
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) {
    throw new Error("expected an address, got none");
  }
  return {
    port: address.port,
    connections,
    stop: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

const TLS_REQUEST = 80_877_103;

/** From the startup message on: welcome, whoever it is, then the same answer each time. */
function serve(socket: Socket, versionNumber: number): void {
  socket.write(Buffer.concat([message("R", int32(0)), READY]));
  socket.on("data", (data: Buffer) => {
    // A Terminate needs no answer.
    if (data.subarray(0, 1).toString() !== "X") {
      socket.write(answer(String(versionNumber)));
    }
  });
}

const READY = message("Z", Buffer.from("I"));

function answer(version: string): Buffer {
  return Buffer.concat([
    message("1"),
    message("2"),
    message("T", int16(2), column("version", 23), column("migrated", 16)),
    message("D", int16(2), text(version), text("f")),
    message("C", Buffer.from("SELECT 1\0")),
    READY,
  ]);
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
