import { storeFaults } from "@banyan/kernel/store";
import { Lane } from "./lane.ts";
import type { Opener } from "./opener.ts";

const retryMs = 500;
const beatMs = 2_000;

/**
 * Resolves when this process holds the lead: a lock of a session, which the server ends when the session breaks. As with
 * PostgreSQL the process learns of that by its next beat, and may believe to lead meanwhile.
 */
export async function lead(
  opener: Opener,
  service: string,
  signal: AbortSignal,
): Promise<{ readonly lost: AbortSignal; release(): Promise<void> }> {
  for (;;) {
    signal.throwIfAborted();
    const session = new Lane(opener, {
      remainingMs: () => Number.POSITIVE_INFINITY,
      signal: new AbortController().signal,
    });
    const leads = await session.run(async (transaction) => transaction.tryLock(`lead ${service}`)).catch(() => false);
    // A lead that was won too late for whoever asked goes back at once.
    if (leads && !signal.aborted) return held(opener, session);
    await session.rollback();
    await pause(retryMs * (0.75 + Math.random() / 2), signal);
  }
}

function held(opener: Opener, session: Lane): Awaited<ReturnType<typeof lead>> {
  const lost = new AbortController();
  const release = async () => {
    lost.abort(new Error("the lead was given back"));
    await session.rollback();
  };
  const beat = async () => {
    while (!lost.signal.aborted) {
      await pause(beatMs, lost.signal).catch(() => {});
      if (lost.signal.aborted) return;
      const isAlive = !opener.isClosed && (await session.run(async ({ isOpen }) => isOpen).catch(() => false));
      if (!isAlive) lost.abort(storeFaults.unavailable());
    }
  };
  void beat();
  return { lost: lost.signal, release };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    }, ms);
    timer.unref?.();
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
  });
}
