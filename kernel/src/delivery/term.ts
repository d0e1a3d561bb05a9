import type { Outbox } from "../store/store.ts";

const againMs = 500;

/** What one does with a lead. */
export interface Term {
  open(): void | Promise<void>;
  /** Also where `open` has thrown. Never throws. */
  close(): Promise<void>;
}

/**
 * Holds a service's lead whenever it can be had, until `signal` aborts. What goes wrong in between ends the term: the lead is given
 * back, and tried for again.
 */
export async function whileLeading(outbox: Outbox, service: string, options: Term & { readonly signal: AbortSignal }) {
  const { signal, open, close } = options;
  while (!signal.aborted) {
    try {
      const lead = await outbox.lead(service, signal);
      try {
        await open();
        await ended(AbortSignal.any([lead.lost, signal]));
      } finally {
        await close();
        await lead.release();
      }
    } catch {
      // The database or the log does not answer, or we stop; the loop's head tells which.
      if (!signal.aborted) await ended(AbortSignal.any([signal, AbortSignal.timeout(againMs)]));
    }
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
