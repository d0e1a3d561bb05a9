import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** What is measured: one module and the role it plays there, ours or a peer's. */
export type Subject = {
  /** Names its figures within an area. */
  id: string;
  /** As people read it in a row's `peerName`. */
  name: string;
  module: URL;
  options?: Record<string, unknown>;
};

/** The module of a peer, as "call/moleculer". Peers stand apart from the project: see README.md. */
export function peer(name: string): URL {
  return new URL(`../peers/${name}.mjs`, import.meta.url);
}

/** A subject running in a process of its own. */
export type Running = {
  /** Calls one of the role's methods there; rejects when it throws, the process ends or it takes over two minutes. */
  ask<T>(method: string, ...values: unknown[]): Promise<T>;
  stop(): Promise<void>;
  /** Ends it as a crash would, without a word. */
  kill(): Promise<void>;
};

/** A library that the subject imports is not installed, so its rows cannot be measured. */
export class PeerMissing extends Error {
  override readonly name = "PeerMissing";
}

type Answer = { id: number; value?: unknown; error?: string; missing?: boolean };
type Waiting = { resolve(value: unknown): void; reject(error: Error): void; timer: NodeJS.Timeout };

const CALL_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 3_000;
const entry = fileURLToPath(new URL("./subject-main.ts", import.meta.url));

/** Whether processes can be bound to one core each here: at least two cores and Linux's `taskset`. */
const pinning = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0,1", "true"]).status === 0;

/** Starts a fresh process for the subject and waits until it is ready; `core` binds it to that core where possible. */
export async function startSubject(subject: Subject, options: { core?: 0 | 1; signal: AbortSignal }): Promise<Running> {
  options.signal.throwIfAborted();
  const child = launch(subject, options.core);
  const waiting = new Map<number, Waiting>();
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => failAll(waiting, error));
    child.once("exit", (code, signal) => {
      failAll(
        waiting,
        new Error(`The process of "${subject.name}" ended with ${code ?? signal}; its output is above.`),
      );
      resolve();
    });
  });
  child.on("message", (message) => settle(waiting, message as Answer));
  const kill = () => child.kill("SIGKILL");
  options.signal.addEventListener("abort", kill, { once: true });

  let last = 0;
  const ask = <T>(method: string, ...values: unknown[]) =>
    new Promise<T>((resolve, reject) => {
      const id = ++last;
      const late = () =>
        reject(new Error(`"${subject.name}" did not finish "${method}" within ${CALL_TIMEOUT_MS} ms.`));
      waiting.set(id, {
        resolve: resolve as (value: unknown) => void,
        reject,
        timer: setTimeout(late, CALL_TIMEOUT_MS),
      });
      child.send({ id, method, values });
    });
  const end = async (how: "SIGTERM" | "SIGKILL") => {
    const timer = setTimeout(kill, STOP_TIMEOUT_MS);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(how);
      await ended;
    }
    clearTimeout(timer);
    options.signal.removeEventListener("abort", kill);
  };
  try {
    await ask("start", subject.module.href, subject.options ?? {});
  } catch (error) {
    await end("SIGTERM");
    throw error;
  }
  return { ask, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

function launch(subject: Subject, core: 0 | 1 | undefined): ChildProcess {
  const node = [process.execPath, entry, subject.id];
  // taskset replaces itself by Node, so the child's pid and its channel are Node's own.
  const [command = "", ...args] = pinning && core !== undefined ? ["taskset", "-c", String(core), ...node] : node;
  return spawn(command, args, {
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", process.stderr, process.stderr, "ipc"],
    serialization: "advanced",
  });
}

function settle(waiting: Map<number, Waiting>, answer: Answer): void {
  const one = waiting.get(answer.id);
  if (!one) return;
  waiting.delete(answer.id);
  clearTimeout(one.timer);
  if (answer.error === undefined) one.resolve(answer.value);
  else one.reject(answer.missing ? new PeerMissing(answer.error) : new Error(answer.error));
}

function failAll(waiting: Map<number, Waiting>, error: Error): void {
  for (const one of waiting.values()) {
    clearTimeout(one.timer);
    one.reject(error);
  }
  waiting.clear();
}
