import { spawn } from "node:child_process";
import { CHILD_ENV } from "./cluster.ts";
import { type RunAs, spawnAs } from "./run-as.ts";

/**
 * Runs the server as a child and waits for it; a second shell waits for end-of-file on the owners' pipe,
 * then shuts the server down: fast for 20 s, then immediate, then killed. Shell, because it is everywhere
 * and holds 1 MB, where a second Node would hold 40.
 *
 * G1 The server never holds the pipe, and a guard that shuts down lets go of it first (O2 in ownership.ts).
 * G2 The signal is repeated: one sent before the server has set its handlers up is lost.
 * G3 The watching shell dies with the server, so it never signals a pid that belongs to someone else by now.
 */
const SCRIPT = `
exec 3<&0 </dev/null
"$@" 3<&- >&2 &
server=$!
echo $server
exec >&2
cd /
(
  while read -r _; do :; done <&3
  exec 3<&- >/dev/null 2>&1
  for signal in INT INT INT INT INT INT INT INT INT INT INT INT INT INT INT INT INT INT INT INT QUIT QUIT QUIT KILL; do
    kill -$signal $server || exit 0
    sleep 1
  done
) &
watcher=$!
exec 3<&-
wait $server
status=$?
kill $watcher 2>/dev/null
exit $status
`;

export type GuardedServer = {
  /** The server's own pid, known before it is ready. */
  readonly pid: Promise<number>;
  /** The server's exit status, as the shell tells it. */
  readonly exited: Promise<number>;
};

/**
 * Starts `command` under guard, in a session of its own: Ctrl-C in the terminal must reach Node, which drains
 * while the database still serves, and not the database.
 */
export function startGuarded(
  command: readonly string[],
  options: { readEnd: number; log: number; folder: string; runAs: RunAs | undefined },
): GuardedServer {
  const child = spawn("/bin/sh", ["-c", SCRIPT, "banyan-guard", ...command], {
    ...spawnAs(options.runAs),
    cwd: options.folder,
    detached: true,
    env: CHILD_ENV,
    stdio: [options.readEnd, "pipe", options.log],
  });
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? -1));
  });
  const pid = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    // Not "exit", which may come before the line does.
    child.once("close", () => reject(new Error("the guard ended before it could start the server")));
    child.stdout?.once("data", (line: Buffer) => {
      resolve(Number(line.toString("utf8")));
      child.stdout?.destroy();
      child.unref();
    });
  });
  exited.catch(() => {});
  pid.catch(() => {});
  return { pid, exited };
}
