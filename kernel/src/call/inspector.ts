/** What the kernel did, one record each. Traces, metrics, logs and the console are readers of it. */
export type InspectorRecord =
  | CallRecord
  | EventRecord
  | StateRecord
  | PeerRecord
  | RefusedFrameRecord
  | RefusedMessageRecord
  | ResilienceRecord;

/** One call, delivery or run of a job. */
export interface CallRecord {
  readonly kind: "call" | "delivery" | "job";
  /** "ledger.post" */
  readonly id: string;
  readonly of: "command" | "query" | "event" | "job" | "workflow";
  /** When it began, in milliseconds since 1970. */
  readonly at: number;
  readonly tookMs: number;
  /** A fault is expected by the contract, an error is not. */
  readonly outcome: "ok" | "fault" | "error";
  readonly fault?: string;
  /** The answer was given before, under the same idempotency key. */
  readonly replayed?: boolean;
  /** The answer came from the query's cache. */
  readonly cached?: boolean;
  /** The node that answered, where the call left this process; there is a second record of it there. */
  readonly node?: string;
  readonly subscriber?: string;
  readonly attempt?: number;
  /** Of a job: how long it had been due when it was claimed. */
  readonly waitedMs?: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly tenant: string;
  readonly subject: string;
}

/** An event that was emitted and committed here. Without its data, which may be personal. */
export interface EventRecord {
  readonly kind: "event";
  /** "ledger.posted" */
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly at: number;
  readonly traceId: string;
  readonly tenant: string;
}

/** Another node is another way than it was, as this one sees it; see registry/health.ts. */
export interface NodeRecord {
  readonly kind: "node";
  readonly node: string;
  readonly state: NodeState;
  readonly at: number;
}

/** "up" and "damped" are chosen; "suspect" is silent; "lost" cannot be reached; "left" said goodbye. */
export type NodeState = "up" | "damped" | "suspect" | "lost" | "left";

/** Calls of an action to a node are let through, or not. */
export interface BreakerRecord {
  readonly kind: "breaker";
  readonly id: string;
  readonly node: string;
  readonly state: "closed" | "open" | "half-open";
  readonly at: number;
}

/** A call that failed at a node is about to be made again. */
export interface RetryRecord {
  readonly kind: "retry";
  readonly id: string;
  readonly node: string;
  /** Runs so far. */
  readonly attempt: number;
  readonly fault: string;
  readonly at: number;
}

/** A call found every place taken: it waits for one, or finds no room to wait either. */
export interface BulkheadRecord {
  readonly kind: "bulkhead";
  readonly id: string;
  readonly state: "queued" | "refused";
  readonly at: number;
}

/** A call of another node was refused, because this one is behind. */
export interface ShedRecord {
  readonly kind: "shed";
  readonly id: string;
  readonly from: string;
  readonly lagMs: number;
  readonly at: number;
}

/** A call was answered by its fallback. */
export interface FallbackRecord {
  readonly kind: "fallback";
  readonly id: string;
  readonly fault: string;
  readonly at: number;
}

/** What resilience did. */
export type ResilienceRecord = NodeRecord | BreakerRecord | RetryRecord | BulkheadRecord | ShedRecord | FallbackRecord;

/** The application entered a state of its lifecycle. */
export interface StateRecord {
  readonly kind: "state";
  readonly state: AppState;
  readonly at: number;
}

/** Another node can be talked to, or no more. */
export interface PeerRecord {
  readonly kind: "peer";
  readonly node: string;
  /** "left": it said that it takes nothing new; "lost": it is gone without a word, or one of us closed. */
  readonly state: "up" | "left" | "lost";
  /** Why it was lost; for a log. */
  readonly reason?: string;
  readonly at: number;
}

/** Something that arrived over the bus and was not taken; see `Refusal`, and the bus for reasons of its own. */
export interface RefusedFrameRecord {
  readonly kind: "refused-frame";
  readonly reason: string;
  /** "" where the bus turned somebody away who was not known. */
  readonly node: string;
  readonly detail: string;
  readonly at: number;
}

/** A log brought a service something that is no event, or let go of some, of whatever type, that it had not read ("expired"). */
export interface RefusedMessageRecord {
  readonly kind: "refused-message";
  readonly service: string;
  readonly reason: string;
  readonly count: number;
  readonly at: number;
}

export type AppState = "created" | "starting" | "started" | "draining" | "stopped";

export type InspectorListener = (record: InspectorRecord) => void;

type RecordKind = InspectorRecord["kind"];

/**
 * Hands records to listeners. `emit` is null without any, and `emitCall` without one that wants calls, so that a call asks
 * one field and does nothing more.
 */
export class Inspector {
  emit: InspectorListener | null = null;
  emitCall: InspectorListener | null = null;
  private readonly listeners = new Map<InspectorListener, readonly RecordKind[] | undefined>();

  /**
   * Answers the function that ends the listening. Without `kinds` it hears all. A listener that throws is dropped:
   * watching must not break what is watched.
   */
  add(listener: InspectorListener, kinds?: readonly RecordKind[]): () => void {
    this.listeners.set(listener, kinds);
    this.arm();
    return () => this.remove(listener);
  }

  private remove(listener: InspectorListener): void {
    this.listeners.delete(listener);
    this.arm();
  }

  private arm(): void {
    const wanted = [...this.listeners.values()];
    this.emit = wanted.length > 0 ? (record) => this.broadcast(record) : null;
    this.emitCall = wanted.some((kinds) => kinds?.includes("call") ?? true) ? this.emit : null;
  }

  private broadcast(record: InspectorRecord): void {
    for (const [listener, kinds] of this.listeners) {
      if (kinds !== undefined && !kinds.includes(record.kind)) continue;
      try {
        listener(record);
      } catch (error) {
        this.remove(listener);
        process.emitWarning(`an inspector listener threw and was removed: ${String(error)}`);
      }
    }
  }
}
