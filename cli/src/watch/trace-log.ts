import type { App, InspectorRecord } from "@banyan/kernel/app";

/** A record that belongs to a trace: a call, a delivery, a run of a job, or an event. */
export type Traced = Extract<InspectorRecord, { readonly traceId: string }>;

/** About 300 bytes each: 6 MB at most, the last seconds of a busy process and hours of a quiet one. */
const recordsMax = 20_000;

/** Remembers what the application did last, so that a trace can be read without a collector. */
export class TraceLog {
  readonly #ring: Traced[] = [];
  #next = 0;
  readonly stop: () => void;

  constructor(app: App) {
    this.stop = app.inspect((record) => {
      if ("traceId" in record) this.#keep(record);
    });
  }

  #keep(record: Traced): void {
    this.#ring[this.#next] = record;
    this.#next = (this.#next + 1) % recordsMax;
  }

  /** In the order they began; empty where all were forgotten. A prefix of the id will do. */
  of(traceId: string): Traced[] {
    return this.#ring.filter((record) => record.traceId.startsWith(traceId)).sort((a, b) => a.at - b.at);
  }
}
