import { once } from "node:events";
import { unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import { type Address, reachableAt } from "./address.ts";
import { type Certificates, servicesOf } from "./certificates.ts";
import { checkHello, encodePreamble, type Hello, PreambleReader } from "./preamble.ts";
import { type Refusal, Refused } from "./refusal.ts";

export interface DoorOptions {
  readonly certificates: Certificates | undefined;
  /** From the connection to the end of the preamble. */
  readonly handshakeTimeoutMs: number;
  /** Connections without a preamble; beyond it the oldest is cut. */
  readonly unknownMax: number;
  readonly id: string;
  readonly admit: (visitor: Visitor) => void;
  readonly refused: (reason: Refusal, detail: string) => void;
}

/** Who said a proper hello. Exactly one of the two is to be called, at once. */
export interface Visitor {
  readonly hello: Hello;
  readonly services: readonly string[] | undefined;
  /** Answers a welcome; from now on the socket, paused, is the caller's, with the bytes that came behind the hello. */
  accept(): { readonly socket: Socket; readonly rest: Buffer };
  refuse(reason: Refusal): void;
}

interface Unknown {
  readonly raw: Socket;
  readonly timer: NodeJS.Timeout;
  /** What it was told, or cut for: it is counted once. */
  refused: boolean;
}

/**
 * Where others come in. Whoever does not say what it should in time, or keeps others from it, is cut: memory and sockets that
 * strangers can hold are bounded by `unknownMax` and 1 KB of preamble each.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #server: Server | TlsServer;
  /** By remote address and port, which a raw socket and the TLS socket around it share. In order of arrival. */
  readonly #unknown = new Map<string, Unknown>();

  constructor(options: DoorOptions) {
    this.#options = options;
    const { certificates } = options;
    if (certificates === undefined) {
      this.#server = createServer((socket) => this.#listenTo(this.#note(socket), socket));
      return;
    }
    // Judged by `servicesOf`, so that the other end can be told what is wrong.
    const server = createTlsServer({ ...certificates.options, requestCert: true, rejectUnauthorized: false });
    server.on("connection", (raw: Socket) => this.#note(raw));
    server.on("secureConnection", (socket) => this.#listenTo(whereOf(socket), socket));
    server.on("tlsClientError", (error, socket) => this.#cut(whereOf(socket), new Refused("tls", error.message)));
    this.#server = server;
  }

  /** Answers where others reach it. Rejects with the system's error. */
  async open(at: Address): Promise<string> {
    if ("path" in at) await removeLeftSocket(at.path);
    this.#server.listen(at);
    await once(this.#server, "listening");
    return reachableAt(this.#server);
  }

  /** Shows the new certificate to whoever comes from now on. */
  renew(certificates: Certificates): void {
    (this.#server as TlsServer).setSecureContext(certificates.options);
  }

  /** Nobody comes in any more; who is in stays. */
  close(): void {
    this.#server.close();
    for (const { raw } of this.#unknown.values()) raw.destroy();
  }

  #note(raw: Socket): string {
    // A unix socket has no port, and no TLS that would need to be found by it.
    const where = raw.remotePort === undefined ? `unix#${++unixVisitors}` : whereOf(raw);
    const { handshakeTimeoutMs, unknownMax } = this.#options;
    const late = () => this.#cut(where, new Refused("slow", `no preamble within ${handshakeTimeoutMs} ms`));
    this.#unknown.set(where, { raw, timer: setTimeout(late, handshakeTimeoutMs), refused: false });
    raw.on("error", () => {});
    raw.on("close", () => this.#forget(where));
    const [oldest] = this.#unknown.keys();
    if (this.#unknown.size > unknownMax && oldest !== undefined) {
      this.#cut(oldest, new Refused("crowded", `more than ${unknownMax} connections without a preamble`));
    }
    return where;
  }

  #listenTo(where: string, socket: Socket): void {
    const reader = new PreambleReader();
    socket.on("error", () => {});
    const guarded = (step: () => void) => {
      try {
        step();
      } catch (error) {
        socket.off("data", read);
        this.#turnAway(where, socket, error);
      }
    };
    const read = (piece: Buffer) =>
      guarded(() => {
        const whole = reader.push(piece);
        if (whole === undefined) return;
        socket.off("data", read).pause();
        this.#introduce({ where, socket, hello: checkHello(whole.body), rest: whole.rest });
      });
    guarded(() => {
      this.#services(socket);
      socket.on("data", read);
    });
  }

  #introduce({ where, socket, hello, rest }: { where: string; socket: Socket; hello: Hello; rest: Buffer }): void {
    const { id, admit } = this.#options;
    if (hello.to !== "" && hello.to !== id) throw new Refused("stranger", `it looks for ${hello.to}, this is ${id}`);
    admit({
      hello,
      services: this.#services(socket),
      accept: () => {
        this.#forget(where);
        socket.write(encodePreamble({ id }));
        return { socket, rest };
      },
      refuse: (reason) => this.#turnAway(where, socket, new Refused(reason, `${hello.id} at ${hello.address}`)),
    });
  }

  #services(socket: Socket): readonly string[] | undefined {
    return this.#options.certificates === undefined ? undefined : servicesOf(socket as TLSSocket);
  }

  /** Tells the other end why, except strangers, who would not understand; the timer stands behind it. */
  #turnAway(where: string, socket: Socket, error: unknown): void {
    if (!(error instanceof Refused)) throw error;
    const { reason } = error;
    if (reason === "foreign" || reason === "garbled") {
      this.#cut(where, error);
      return;
    }
    this.#count(where, error);
    socket.end(encodePreamble({ id: this.#options.id, refused: reason }));
    socket.resume();
  }

  #cut(where: string, error: Refused): void {
    this.#count(where, error);
    this.#unknown.get(where)?.raw.destroy();
  }

  #count(where: string, { reason, message }: Refused): void {
    const unknown = this.#unknown.get(where);
    if (unknown === undefined || unknown.refused) return;
    unknown.refused = true;
    if (reason !== "crossed" && reason !== "closing")
      this.#options.refused(reason, `a connection from ${where} was refused: ${message}`);
  }

  #forget(where: string): void {
    clearTimeout(this.#unknown.get(where)?.timer);
    this.#unknown.delete(where);
  }
}

let unixVisitors = 0;

function whereOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

/** A process that was killed leaves its socket's file behind; one that nobody listens at may go. */
async function removeLeftSocket(path: string): Promise<void> {
  const probe = connect({ path });
  const code = await new Promise((resolve) => {
    probe.once("connect", () => resolve(undefined));
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  probe.destroy();
  if (code === "ECONNREFUSED") await unlink(path);
}
