import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { holdsSocket } from "../project/socket-path.ts";
import { refusalOf } from "./operate.ts";
import { Request } from "./protocol.ts";

export interface ControlServer {
  readonly socketPath: string;
  /** Ends what is under way, tails included. */
  close(): Promise<void>;
}

export type Operate = (
  request: Request,
  flow: { send(item: unknown): void; readonly signal: AbortSignal },
) => Promise<unknown>;

const requestBytesMax = 16 * 1024 * 1024;
/** What a tail's reader may lag behind before records are left out. */
const unreadBytesMax = 4 * 1024 * 1024;

/**
 * Answers operators of this machine on a Unix socket that only this user may open. A folder whose path is too long for a
 * socket gets one in the folder for temporary files instead.
 */
export async function openControlServer(folder: string, operate: Operate): Promise<ControlServer> {
  const { socketPath, remove } = chooseSocketPath(folder);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    answer(socket, operate);
  });
  await listenPrivately(server, socketPath);
  return {
    socketPath,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      remove();
    },
  };
}

function chooseSocketPath(folder: string): { socketPath: string; remove(): void } {
  const path = join(folder, "control.sock");
  if (holdsSocket(path)) {
    // Left behind by a process that was killed; the caller knows that none is alive.
    rmSync(path, { force: true });
    return { socketPath: path, remove: () => rmSync(path, { force: true }) };
  }
  const other = join(mkdtempSync(join(tmpdir(), "banyan-")), "control.sock");
  return { socketPath: other, remove: () => rmSync(dirname(other), { recursive: true, force: true }) };
}

function listenPrivately(server: Server, path: string): Promise<void> {
  // Binding creates the file at once, so that nobody else can connect before a chmod would have come.
  const mask = process.umask(0o177);
  try {
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(mask);
  }
}

function answer(socket: Socket, operate: Operate): void {
  const cancelled = new AbortController();
  socket.once("close", () => cancelled.abort());
  let unsentCount = 0;
  const write = (line: unknown) => socket.write(`${JSON.stringify(line)}\n`);
  const send = (item: unknown) => {
    if (socket.writableLength > unreadBytesMax) {
      unsentCount++;
      return;
    }
    if (unsentCount > 0) write({ item: { kind: "gap", unsentCount } });
    unsentCount = 0;
    write({ item });
  };
  socket.on("data", () => {
    if (socket.bytesRead > requestBytesMax) socket.destroy();
  });
  createInterface({ input: socket }).once("line", (line) => {
    handle(line)
      .then((done) => write({ done: done ?? null }))
      .catch((error: unknown) => write({ failed: refusalOf(error) }))
      .finally(() => socket.end());
  });
  const handle = async (line: string) => operate(Request.parse(JSON.parse(line)), { send, signal: cancelled.signal });
}
