import type { Outbox } from "../store/store.ts";

const againMs = 500;

/** What one does with a lead. */
export interface Term {
  open(): void | Promise<void>;
  /** Also where `open` has thrown. */
  close(): Promise<void>;
}

/**
 * Holds a service's lead whenever it can be had, from `start` to `stop`. What goes wrong in between, `close` included, ends the term: the
 * lead is given back, and tried for again.
 */
export class Leadership {
  private readonly outbox: Outbox;
  private readonly service: string;
  private readonly term: Term;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(outbox: Outbox, service: string, term: Term) {
    this.outbox = outbox;
    this.service = service;
    this.term = term;
  }

  start(): void {
    this.running = this.run();
  }

  /** Resolves when the lead was given back. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.lead(signal);
      } catch {
        // The database or the log does not answer, or we stop; the loop's head tells which.
        if (!signal.aborted) await aborted(AbortSignal.any([signal, AbortSignal.timeout(againMs)]));
      }
    }
  }

  private async lead(signal: AbortSignal): Promise<void> {
    const lead = await this.outbox.lead(this.service, signal);
    try {
      try {
        await this.term.open();
        await aborted(AbortSignal.any([lead.lost, signal]));
      } finally {
        await this.term.close();
      }
    } finally {
      await lead.release();
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
