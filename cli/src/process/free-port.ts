import { connect, createServer } from "node:net";
import { CommandFailure } from "../failure.ts";

const triesMax = 50;

/** The first port from `port` upwards that nobody answers on and that can be bound; `port` itself where it is 0. */
export async function freePort(port: number, host: string): Promise<number> {
  if (port === 0 && (await canBind(port, host))) return port;
  const last = Math.min(port + triesMax - 1, 65_535);
  for (let candidate = port; candidate <= last; candidate++) {
    // Binding alone is no proof: on macOS an address may be bound beside another program's wildcard.
    if (!(await answers(candidate)) && (await canBind(candidate, host))) return candidate;
  }
  throw new CommandFailure(`The ports ${port} to ${last} are all taken.`, "Set PORT to a free one, or to 0 for any.");
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1_000 });
    const done = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket
      .once("connect", () => done(true))
      .once("error", () => done(false))
      .once("timeout", () => done(true));
  });
}

function canBind(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else if (error.code === "EACCES")
        reject(new CommandFailure(`This user may not open port ${port}.`, "Set PORT to 1024 or above."));
      else
        reject(
          new CommandFailure(
            `Port ${port} on ${host} cannot be opened: ${error.message}.`,
            "Set HOST to an address of this machine.",
          ),
        );
    });
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
