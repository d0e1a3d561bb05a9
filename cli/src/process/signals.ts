import { CommandFailure, exitCodes } from "../failure.ts";

/**
 * Between a signal and its echo: npm passes on what the terminal has sent to the whole process group already, and
 * that must not count as a second Ctrl-C.
 */
const echoMs = 500;
const parentPollMs = 1_000;

/**
 * Who started this process, and whose end is therefore its own. It is told, and not read from `process.connected`: who runs
 * the pinned Node in a child has a channel to it too.
 */
type StartedBy = "supervisor" | "npm" | "nobody";

/**
 * Calls `onStop` once, at the first SIGTERM, SIGINT or SIGHUP, and `onForce` at a second one. The end of npm counts too: killed
 * with -9 it passes nothing on, and would leave an orphan. A process with a supervisor leaves the terminal's signals to it,
 * and ends with it.
 */
export function listenForStop(
  { onStop, onForce }: { onStop(reason: string): void; onForce(): void },
  startedBy: StartedBy,
): void {
  let stoppedAt: number | undefined;
  const stop = (reason: string) => {
    if (stoppedAt === undefined) {
      stoppedAt = Date.now();
      onStop(reason);
    } else if (Date.now() - stoppedAt > echoMs) onForce();
  };
  process.on("SIGTERM", stop);
  if (startedBy === "supervisor") {
    for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
    process.once("disconnect", () => stop("its supervisor has ended"));
    return;
  }
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, stop);
  if (startedBy !== "npm") return;
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(poll);
    stop("the process that started this one has ended");
  }, parentPollMs);
  poll.unref();
}

/** Aborted at the first signal, with what to say of a command that ends before it is done; a second one ends this process. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  const onStop = (reason: string) => {
    const options = { exitCode: exitCodes.interrupted, code: "cli.interrupted" };
    stopping.abort(new CommandFailure(`Stopped (${reason}) before it was done.`, "", options));
  };
  listenForStop({ onStop, onForce: () => process.exit(exitCodes.interrupted) }, "nobody");
  return stopping.signal;
}
