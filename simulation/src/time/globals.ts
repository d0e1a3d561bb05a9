import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { running, type Step } from "./timeline.ts";

const native = {
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  setImmediate,
  clearImmediate,
  random: Math.random,
  now: Date.now,
  timeout: AbortSignal.timeout,
  randomFillSync: crypto.randomFillSync,
};

/** A timer of a timeline. No process is kept alive by it. */
class VirtualTimer {
  private readonly begin: () => Step | null;
  private step: Step | null = null;

  constructor(begin: () => Step | null) {
    this.begin = begin;
    this.refresh();
  }

  /** Begins anew, whether it has run or not. */
  refresh(): this {
    this.cancel();
    this.step = this.begin();
    return this;
  }

  cancel(): void {
    if (this.step !== null) this.step.isCancelled = true;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return false;
  }
}

/**
 * Puts virtual time and seeded randomness in place of this process's, for whatever runs within a step of a timeline: the kernel
 * under simulation is the shipped one, down to its `setTimeout`. Everything else keeps the real ones.
 */
export function installVirtualGlobals(): void {
  const virtual = {
    setTimeout: (act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      running === null ? native.setTimeout(act, ms, ...args) : timer("timer", ms, () => act(...args)),
    setImmediate: (act: (...args: unknown[]) => void, ...args: unknown[]) =>
      running === null ? native.setImmediate(act, ...args) : timer("immediate", 0, () => act(...args)),
    setInterval: (act: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) =>
      running === null ? native.setInterval(act, ms, ...args) : interval(ms, () => act(...args)),
    clearTimeout: (given: unknown) =>
      given instanceof VirtualTimer ? cancel(given) : native.clearTimeout(given as never),
    clearInterval: (given: unknown) =>
      given instanceof VirtualTimer ? cancel(given) : native.clearInterval(given as never),
    clearImmediate: (given: unknown) =>
      given instanceof VirtualTimer ? cancel(given) : native.clearImmediate(given as never),
  };
  Object.assign(globalThis, virtual);
  Math.random = () => running?.timeline.random.fraction() ?? native.random();
  Date.now = () => running?.timeline.wallClock(running.life) ?? native.now();
  AbortSignal.timeout = (ms) => (running === null ? native.timeout(ms) : timeoutSignal(ms));
  Object.assign(crypto, { randomFillSync: fillRandomly });
  syncBuiltinESMExports();
}

function timer(what: string, ms: number, act: () => void): VirtualTimer {
  // Node's own least: a timeout of 0 is one of 1 ms.
  const waitMs = what === "timer" ? Math.max(1, ms) : ms;
  return new VirtualTimer(() => running?.timeline.after(waitMs, running.life, what, act) ?? null);
}

function interval(ms: number, act: () => void): VirtualTimer {
  const made: VirtualTimer = timer("interval", ms, () => {
    made.refresh();
    act();
  });
  return made;
}

function cancel(given: VirtualTimer): void {
  given.cancel();
}

function timeoutSignal(ms: number): AbortSignal {
  const controller = new AbortController();
  timer("timer", ms, () =>
    controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")),
  );
  return controller.signal;
}

function fillRandomly(buffer: Buffer): Buffer {
  if (running === null) return native.randomFillSync(buffer);
  for (let at = 0; at + 4 <= buffer.length; at += 4) buffer.writeUInt32LE(running.timeline.bytes.next(), at);
  return buffer;
}
