import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../../control/client.ts";
import { usageFailure } from "../../failure.ts";
import { note, print, printJson } from "../../output/terminal.ts";
import { connectServer } from "../../project/project.ts";

interface Options {
  readonly json?: boolean;
}

/** Kills a process with SIGKILL; its supervisor starts it again. */
export async function killNode(node: string, { json }: Options): Promise<void> {
  await signal(node, "SIGKILL");
  if (json) printJson({ node, killed: true });
  else print(`${node} was killed.`);
}

/** Stops a process in the middle of what it does, and lets it go on after `for`. */
export async function pauseNode(node: string, options: Options & { readonly for: string }): Promise<void> {
  const forMs = millisecondsOf(options.for);
  await signal(node, "SIGSTOP");
  note(`${node} stands still for ${options.for}.`);
  await sleep(forMs);
  await signal(node, "SIGCONT");
  if (options.json) printJson({ node, pausedMs: forMs });
  else print(`${node} goes on.`);
}

/** Makes calls of matching actions take longer. */
export async function slowCalls(
  pattern: string,
  options: Options & { readonly by: string; readonly for: string },
): Promise<void> {
  const [slowMs, forMs] = [millisecondsOf(options.by), millisecondsOf(options.for)];
  await disturb({ pattern, slowMs, failRate: 0, forMs });
  if (options.json) printJson({ pattern, slowMs, forMs });
  else print(`Calls of ${pattern} take ${options.by} longer, for ${options.for}.`);
}

/** Makes a share of the calls of matching actions fail. */
export async function failCalls(
  pattern: string,
  options: Options & { readonly rate: string; readonly for: string },
): Promise<void> {
  const failRate = Number(options.rate);
  if (!(failRate > 0 && failRate <= 1))
    throw usageFailure(`"${options.rate}" is no share.`, "Write 0.1 for one in ten.");
  const forMs = millisecondsOf(options.for);
  await disturb({ pattern, slowMs: 0, failRate, forMs });
  if (options.json) printJson({ pattern, failRate, forMs });
  else print(`${failRate * 100} % of the calls of ${pattern} fail, for ${options.for}.`);
}

async function signal(node: string, name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void> {
  const server = await connectServer();
  await ask(server.socket, { do: "signal", node, signal: name });
}

async function disturb(disturbance: {
  readonly pattern: string;
  readonly slowMs: number;
  readonly failRate: number;
  readonly forMs: number;
}): Promise<void> {
  const server = await connectServer();
  await ask(server.socket, { do: "disturb", ...disturbance });
}

/** "250ms", "5s", "2min" */
function millisecondsOf(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,6})(ms|s|min)$/.exec(text) ?? [];
  if (digits === "") throw usageFailure(`"${text}" is no time.`, "Write it as 250ms, 5s or 2min.");
  return Number(digits) * { ms: 1, s: 1_000, min: 60_000 }[unit as "ms" | "s" | "min"];
}
