import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Book } from "./book.ts";
import type { Behaviour } from "./cards.ts";
import { Operation, operationKey, Tokenize } from "./contract.ts";

/** How an acquirer is set up. */
export interface AcquirerOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Where its record is kept; without one it ends with the process. */
  readonly file?: string;
  /** How late is late, in milliseconds. Default 3,000. */
  readonly lateMs?: number;
  /** Beside the cards' own behaviour: so many of 1,000 first answers are lost, late or doubled, by a generator with this seed. */
  readonly chaos?: { readonly seed: number; readonly permille: number };
}

/** An acquirer that listens. */
export interface Acquirer {
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly manner?: Behaviour;
}

const bodyBytesMax = 10_000;
const moods = ["silent", "deaf", "late", "twice"] as const satisfies Behaviour[];

/** Opens an acquirer on the loopback interface. */
export async function openAcquirer({ port = 0, file, lateMs = 3_000, chaos }: AcquirerOptions = {}): Promise<Acquirer> {
  const book = new Book(file);
  const heard = new Set<string>();
  const random = generator(chaos?.seed ?? 0);
  const mannerOf = (key: string, operation: Operation): Behaviour => {
    const isFirst = !heard.has(key);
    heard.add(key);
    const behaviour = book.behaviourOf(operation);
    if (behaviour === "mute" || behaviour === "twice") return behaviour;
    if (!isFirst) return "approves";
    if (chaos !== undefined && random() * 1_000 < chaos.permille) {
      return moods[Math.floor(random() * moods.length)] ?? "silent";
    }
    return behaviour;
  };

  const operate = (key: string, body: unknown): Answer => {
    const { data: operation } = Operation.safeParse(body);
    if (operation === undefined || !operationKey.safeParse(key).success)
      return { status: 400, body: { code: "malformed" } };
    const manner = mannerOf(key, operation);
    if (manner === "deaf") return { status: 0, body: null, manner };
    const outcome = book.operate(key, operation);
    if (outcome === undefined) return { status: 422, body: { code: "keyReused" } };
    if (manner === "forgetful" && operation.kind === "authorize") book.forget(key);
    return { status: 200, body: outcome, manner };
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const [, version, resource, name = ""] = (request.url ?? "").split("/");
    const route = `${request.method} ${version}/${resource}`;
    if (route === "PUT v1/operations") return operate(decodeURIComponent(name), await read(request));
    if (route === "GET v1/totals") return { status: 200, body: book.totals() };
    if (route === "GET v1/operations") {
      const outcome = book.outcomeOf(decodeURIComponent(name));
      return outcome ? { status: 200, body: outcome } : { status: 404, body: { code: "unknownOperation" } };
    }
    if (route !== "POST v1/tokens") return { status: 404, body: { code: "unknownRoute" } };
    const { data } = Tokenize.safeParse(await read(request));
    if (data === undefined) return { status: 400, body: { code: "malformed" } };
    const token = `tok_${randomBytes(12).toString("hex")}`;
    book.addToken(token, data.number);
    return { status: 201, body: { token, last4: data.number.slice(-4) } };
  };

  const server = createServer((request, response) => {
    answer(request).then(
      (given) => send(response, given, lateMs),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function send(response: ServerResponse, { status, body, manner }: Answer, lateMs: number): Promise<void> {
  // The connection stays open, and nothing comes.
  if (manner === "silent" || manner === "deaf" || manner === "mute") return;
  if (manner === "late") await delay(lateMs);
  const text = JSON.stringify(body);
  const { socket } = response;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
  if (manner === "twice") {
    socket?.write(
      `HTTP/1.1 ${status} OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  }
}

async function read(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error(`the body is longer than ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32, Tommy Ettinger). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
