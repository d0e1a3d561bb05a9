import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { besideStream, bulk } from "./beside.ts";
import { calleeMethods, echoCaller, type Role } from "./echo.ts";

const CHUNK_BYTES = 16_384;
const CREDIT_BYTES = 65_536;
/** Length of the frame (4) and its type (1). */
const HEADER_BYTES = 5;
const [CALL, ANSWER, CHUNK, GRANT] = [1, 2, 3, 4];

/**
 * What this machine can do: the design of design/measured/bus.md, chunks of 16 KB under a credit of 64 KB, over a bare socket and
 * without anything that a bus needs besides.
 */
export async function open({ role, address }: Role) {
  return role === "callee" ? openCallee() : openCaller(Number(address));
}

async function openCallee() {
  const server = createServer((socket) => {
    let ungranted = 0;
    onFrames(socket, (type, body) => {
      if (type === CALL) socket.write(frame(ANSWER, body));
      if (type !== CHUNK) return;
      ungranted += body.length;
      if (ungranted < CREDIT_BYTES / 2 && body.length === CHUNK_BYTES) return;
      socket.write(frame(GRANT, Buffer.from(JSON.stringify(ungranted))));
      ungranted = 0;
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return calleeMethods(() => String((server.address() as AddressInfo).port));
}

async function openCaller(port: number) {
  const socket = createConnection({ port, host: "127.0.0.1" });
  let answered = (_value: unknown) => {};
  let granted = (_bytes: number) => {};
  onFrames(socket, (type, body) => {
    const value: unknown = JSON.parse(body.toString());
    if (type === GRANT) granted(value as number);
    else answered(value);
  });
  await once(socket, "connect");
  const echo = (input: object) =>
    new Promise((resolve) => {
      answered = resolve;
      socket.write(frame(CALL, Buffer.from(JSON.stringify(input))));
    });
  const upload = () =>
    new Promise<number>((resolve) => {
      let [sent, taken] = [0, 0];
      const pump = () => {
        socket.cork();
        while (sent < bulk.length && sent - taken + CHUNK_BYTES <= CREDIT_BYTES) {
          const chunk = bulk.subarray(sent, sent + CHUNK_BYTES);
          socket.write(frame(CHUNK, chunk));
          sent += chunk.length;
        }
        socket.uncork();
      };
      granted = (bytes) => {
        taken += bytes;
        if (taken === bulk.length) resolve(taken);
        else pump();
      };
      pump();
    });
  return { ...echoCaller(echo), besideStream: (durationMs: number) => besideStream({ echo, upload }, durationMs) };
}

function frame(type: number | undefined, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes[4] = type ?? 0;
  body.copy(bytes, HEADER_BYTES);
  return bytes;
}

function onFrames(socket: Socket, take: (type: number | undefined, body: Buffer) => void): void {
  socket.setNoDelay(true);
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (come) => {
    const bytes = rest.length === 0 ? come : Buffer.concat([rest, come]);
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      take(bytes[at + 4], bytes.subarray(at + HEADER_BYTES, end));
      at = end;
    }
    rest = bytes.subarray(at);
  });
}
