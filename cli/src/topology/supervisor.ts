import type { ChildProcess } from "node:child_process";
import { CommandFailure } from "../failure.ts";

/** One process to be kept running. */
export interface Member {
  /** "ledger-2" */
  readonly node: string;
  /** "ledger" */
  readonly process: string;
}

/** starting: not ready for the first time. waiting: ended, and started again in a moment. paused: by `banyan chaos`. */
export type MemberState = "starting" | "ready" | "waiting" | "paused" | "stopping";

/** A member as it is now. */
export interface MemberStatus extends Member {
  readonly state: MemberState;
  readonly pid: number | undefined;
  readonly restartCount: number;
  /** What the process said when it was ready. */
  readonly ready: unknown;
  /** In milliseconds since 1970: when it entered the state. */
  readonly since: number;
}

export interface SupervisorOptions {
  /** Starts the process with an IPC channel; it sends `{ ready }` once it is. */
  readonly launch: (member: Member) => ChildProcess;
  /** Once it aborts, what ends is not started again: a terminal's Ctrl-C reaches the processes too. */
  readonly signal: AbortSignal;
  /** Told in a line for people what happened to a member that should be running. */
  readonly onTrouble: (line: string) => void;
}

/** A member that ends within this of its start is started again later and later. */
const steadyMs = 30_000;
const pauseFirstMs = 100;
const pauseMaxMs = 10_000;
/** Its gateway and its application may take 4 s each; who is slower is cut. */
const stopMs = 9_000;

/** Before the next start, after so many ends in a row that came too soon. */
function pauseMs(hastyCount: number): number {
  return hastyCount === 0 ? 0 : Math.min(pauseFirstMs * 2 ** (hastyCount - 1), pauseMaxMs);
}

interface Running {
  readonly member: Member;
  state: MemberState;
  child: ChildProcess | undefined;
  restartCount: number;
  ready: unknown;
  since: number;
  /** Ends that came too soon, one after another. */
  hastyCount: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Runs processes, and starts again what ends by itself: at once where it had run for long, else after a pause that doubles up to 10 s.
 * A member that ends before it was ever ready fails its `start`, since the next try would end alike.
 */
export class Supervisor {
  readonly #members = new Map<string, Running>();
  readonly #options: SupervisorOptions;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** In the order of their starts. */
  get members(): MemberStatus[] {
    return [...this.#members.values()].map(({ member, state, child, restartCount, ready, since }) => {
      return { ...member, state, pid: child?.pid, restartCount, ready, since };
    });
  }

  /** Resolves when it is ready for the first time. Throws where it ends before that. */
  start(member: Member): Promise<MemberStatus> {
    if (this.#members.has(member.node)) throw new Error(`${member.node} runs already`);
    const running: Running = {
      member,
      state: "starting",
      child: undefined,
      restartCount: 0,
      ready: undefined,
      since: Date.now(),
      hastyCount: 0,
      timer: undefined,
    };
    this.#members.set(member.node, running);
    return new Promise((resolve, reject) => {
      this.#launch(running, {
        onReady: () => resolve(this.members.find(({ node }) => node === member.node) as MemberStatus),
        onEnd: (how) => {
          this.#members.delete(member.node);
          const message = `${member.node} ended before it was ready (${how}).`;
          reject(
            new CommandFailure(message, "What it said is above. It is not tried again: the next try would end alike."),
          );
        },
      });
    });
  }

  /** Sends a signal, as `banyan chaos` does; false where no such process runs. SIGSTOP and SIGCONT change the state. */
  signal(node: string, signal: NodeJS.Signals): boolean {
    const running = this.#members.get(node);
    if (running?.child?.pid === undefined) return false;
    if (signal === "SIGSTOP") this.#enter(running, "paused");
    if (signal === "SIGCONT" && running.state === "paused") this.#enter(running, "ready");
    return running.child.kill(signal);
  }

  /** Ends one in peace: SIGTERM, and SIGKILL after 9 s. */
  async stop(node: string): Promise<void> {
    const running = this.#members.get(node);
    if (running === undefined) return;
    clearTimeout(running.timer);
    this.#enter(running, "stopping");
    const { child } = running;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      const cut = setTimeout(() => child.kill("SIGKILL"), stopMs);
      await ended;
      clearTimeout(cut);
    }
    this.#members.delete(node);
  }

  #enter(running: Running, state: MemberState): void {
    running.state = state;
    running.since = Date.now();
  }

  #launch(running: Running, first?: { onReady(): void; onEnd(how: string): void }): void {
    const child = this.#options.launch(running.member);
    const launchedAt = Date.now();
    running.child = child;
    let onFirst = first;
    child.on("message", (message: { ready?: unknown }) => {
      if (message.ready === undefined || running.state === "stopping") return;
      running.ready = message.ready;
      this.#enter(running, "ready");
      onFirst?.onReady();
      onFirst = undefined;
    });
    const ended = (how: string) => {
      if (running.child !== child) return;
      running.child = undefined;
      if (running.state === "stopping" || this.#options.signal.aborted) return;
      if (onFirst !== undefined) onFirst.onEnd(how);
      else this.#again(running, how, Date.now() - launchedAt);
    };
    child.once("error", (error) => ended(error.message));
    child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
  }

  #again(running: Running, how: string, livedMs: number): void {
    running.hastyCount = livedMs < steadyMs ? running.hastyCount + 1 : 0;
    this.#options.onTrouble(`${running.member.node} ended (${how}); it is started again.`);
    this.#enter(running, "waiting");
    running.restartCount++;
    running.timer = setTimeout(() => this.#launch(running), pauseMs(running.hastyCount));
  }
}
