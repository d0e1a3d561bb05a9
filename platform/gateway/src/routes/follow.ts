import type { ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { faultOfError } from "../answers/fault-of.ts";
import { refusal } from "../answers/refusals.ts";

/** How one client follows one query. */
export interface Following {
  readonly list: string;
  readonly everyMs: number;
  /** Writes an answer of the query as JSON. */
  serialise(answer: unknown): string;
  /** Asks the query for what comes after a cursor; undefined: from now on. */
  ask(after: string | undefined): Promise<unknown>;
  readonly traceId: string;
}

/** A connection without a word for so long may be taken for a dead one on the way; the specification advises 15 s. */
const silenceMsMax = 15_000;
const retryAfterMs = 5_000;

/**
 * Serves queries as server-sent events (WHATWG HTML, section 9.2). A client that reads slowly is asked for later, so that nothing piles up
 * here: what it misses its next answer says. Each message has the cursor as its id, with which the client goes on after a break.
 */
export class Follows {
  private readonly ending = new AbortController();
  private readonly followersMax: number;
  private count = 0;

  constructor(followersMax: number) {
    this.followersMax = followersMax;
  }

  /** Ends every one, so that a server can close. */
  end(): void {
    this.ending.abort();
  }

  /** Serves until the client goes, the server closes, or the query faults. Rejects with what went wrong before the first byte. */
  async serve(response: ServerResponse, following: Following): Promise<void> {
    if (this.count >= this.followersMax) {
      throw refusal("rateLimited", `${this.followersMax} clients follow already`, { retryAfterMs });
    }
    const { req: request } = response;
    const signal = AbortSignal.any([request.arrival.connection.closed, this.ending.signal]);
    this.count += 1;
    try {
      const lastId = request.headers["last-event-id"];
      const first = await following.ask(typeof lastId === "string" && lastId !== "" ? lastId : undefined);
      response.writeHead(200, ["content-type", "text/event-stream", "cache-control", "no-store"]);
      response.flushHeaders();
      await sendAll(response, { ...following, first, signal });
    } finally {
      this.count -= 1;
    }
    response.end();
  }
}

async function sendAll(
  response: ServerResponse,
  { first, list, everyMs, serialise, ask, traceId, signal }: Following & { first: unknown; signal: AbortSignal },
): Promise<void> {
  let answer = first as Readonly<Record<string, unknown>>;
  let saidAt = performance.now();
  try {
    for (;;) {
      const isEmpty = (answer[list] as readonly unknown[]).length === 0;
      if (!isEmpty || performance.now() - saidAt > silenceMsMax) {
        saidAt = performance.now();
        await written(response, isEmpty ? ":\n\n" : `id: ${answer.next}\ndata: ${serialise(answer)}\n\n`, signal);
      }
      await pause(everyMs, undefined, { signal });
      answer = (await ask(String(answer.next))) as typeof answer;
    }
  } catch (error) {
    if (signal.aborted) return;
    const { code, message } = faultOfError(error, traceId).fault;
    response.write(`event: fault\ndata: ${JSON.stringify({ code, message, traceId })}\n\n`);
  }
}

/** Resolves when the client has taken it. */
function written(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    response.write(text, () => {
      signal.removeEventListener("abort", leave);
      resolve();
    });
  });
}
