import { connect } from "node:net";
import { createInterface } from "node:readline";
import { CommandFailure, faultFailure } from "../failure.ts";
import type { Refusal, Reply, Request } from "./protocol.ts";

/**
 * Asks the server behind a control socket. Resolves with what it answered last; `onItem` gets what comes before. Throws a
 * command failure with the server's words, or when it went away.
 */
export async function ask(
  socketPath: string,
  request: Request,
  { onItem, signal }: { onItem?(item: unknown): void; readonly signal?: AbortSignal } = {},
): Promise<unknown> {
  const socket = connect(socketPath);
  const lines = createInterface({ input: socket });
  // Lines end by themselves at an orderly end only.
  socket.once("close", () => lines.close());
  const stop = () => socket.destroy();
  signal?.addEventListener("abort", stop);
  let broken: Error | undefined;
  socket.on("error", (error) => {
    broken = error;
  });
  socket.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const line of lines) {
      const reply = JSON.parse(line) as Reply;
      if ("item" in reply) onItem?.(reply.item);
      else if ("done" in reply) return reply.done;
      else throw refused(reply.failed);
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    socket.destroy();
  }
  if (signal?.aborted) return null;
  throw new CommandFailure(
    `The server went away before it answered${broken === undefined ? "" : ` (${broken.message})`}.`,
    "Start it again with `npx banyan start` and repeat the command.",
  );
}

function refused({ message, code, details, advice }: Refusal): CommandFailure {
  return code === undefined
    ? new CommandFailure(message, advice ?? "This was not expected: the server's output has more.")
    : faultFailure({ message, code, details });
}
