import type { Socket } from "node:net";
import { type Operation, Outcome } from "@banyan/neopay-acquirer/contract";

/** Not imported: an import of node:http loads undici, which every start would pay for with 40 ms. */
const { Agent, request } = process.getBuiltinModule("node:http");

interface Answer {
  readonly status: number;
  readonly text: string;
  /** It came by this. */
  readonly socket: Socket;
}

/** How to reach an acquirer. */
export interface AcquirerClientOptions {
  readonly url: string;
  /** How long one answer may take, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number;
}

/** Asks an acquirer; the way to one is kept open between calls. */
export interface AcquirerClient {
  /**
   * Does the operation under its key, once however often it is asked. Throws where no answer came, or one to another question:
   * whether it was done is then unknown, and asking again under the same key finds out.
   */
  operate(key: string, operation: Operation, signal?: AbortSignal): Promise<Outcome>;
  close(): void;
}

/** A client of the acquirer at `url`. */
export function createAcquirerClient({ url, timeoutMs = 2_000 }: AcquirerClientOptions): AcquirerClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  return {
    async operate(key, operation, signal) {
      const limit = AbortSignal.timeout(timeoutMs);
      const { status, text, socket } = await put(
        new URL(`/v1/operations/${encodeURIComponent(key)}`, url),
        JSON.stringify(operation),
        {
          agent,
          signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
        },
      );
      if (status !== 200)
        throw new Error(`the acquirer answered ${status} to ${operation.kind} ${key}: ${text.slice(0, 200)}`);
      const outcome = Outcome.parse(JSON.parse(text));
      // An answer that was written twice may still lie on the connection when the next question is asked; so would this question's answer.
      if (outcome.key !== key) {
        socket.destroy();
        throw new Error(`the acquirer answered ${outcome.key} to ${key}`);
      }
      return outcome;
    },
    close: () => agent.destroy(),
  };
}

function put(
  url: URL,
  body: string,
  { agent, signal }: { readonly agent: InstanceType<typeof Agent>; readonly signal: AbortSignal },
): Promise<Answer> {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: "PUT", headers, agent, signal }, (response) => {
      let text = "";
      const { socket } = response;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text, socket }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
