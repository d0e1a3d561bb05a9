import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Address } from "./address.ts";
import { type Certificates, servicesOf } from "./certificates.ts";
import { checkAnswer, encodePreamble, type Hello, PreambleReader } from "./preamble.ts";
import { Refused } from "./refusal.ts";

export interface DialOptions {
  readonly certificates: Certificates | undefined;
  /** From the first packet to the other's welcome. */
  readonly handshakeTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Both ends have said who they are. The socket is the caller's, with the bytes that came behind the welcome. */
export interface Met {
  readonly socket: Socket;
  readonly rest: Buffer;
  readonly id: string;
  readonly services: readonly string[] | undefined;
}

/** Connects and introduces this node. Rejects with `Refused`, the system's error, or the signal's reason. */
export function dial(to: Address, hello: Hello, options: DialOptions): Promise<Met> {
  const { certificates, handshakeTimeoutMs, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Met>();
  const socket = open(to, certificates);
  const reader = new PreambleReader();
  let services: readonly string[] | undefined;

  const introduce = guarded(() => {
    if (certificates !== undefined) services = servicesOf(socket as TLSSocket);
    socket.write(encodePreamble(hello));
  });
  const read = guarded((piece: Buffer) => {
    const whole = reader.push(piece);
    if (whole === undefined) return;
    const { id, refused } = checkAnswer(whole.body);
    if (refused !== undefined) throw new Refused(refused, `${id} refused this node`);
    if (hello.to !== "" && hello.to !== id) throw new Refused("stranger", `${id} answers in the place of ${hello.to}`);
    socket.pause();
    settle();
    resolve({ socket, rest: whole.rest, id, services });
  });
  const closed = () => fail(new Error("the connection was closed before a welcome"));
  const abort = () => fail(signal.reason);
  const timer = setTimeout(() => fail(new Refused("slow", "no welcome in time")), handshakeTimeoutMs);
  const ready = certificates === undefined ? "connect" : "secureConnect";
  socket.on(ready, introduce).on("data", read).on("error", fail).on("close", closed);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return promise;

  function guarded<Event>(step: (event: Event) => void): (event: Event) => void {
    return (event) => {
      try {
        step(event);
      } catch (error) {
        fail(error);
      }
    };
  }

  function fail(error: unknown): void {
    settle();
    socket.on("error", () => {}).destroy();
    reject(error as Error);
  }

  function settle(): void {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    // One by one: a socket has listeners of its own.
    socket.off(ready, introduce).off("data", read).off("error", fail).off("close", closed);
  }
}

function open(to: Address, certificates: Certificates | undefined): Socket {
  if (certificates === undefined) return connectTcp({ ...to, noDelay: true });
  return connectTls({
    ...to,
    secureContext: certificates.context,
    // Judged by `servicesOf`. Names of hosts mean nothing here: a node is who its certificate's services say.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
}
