import type { FaultRecord } from "../contract/fault.ts";
import type { Outcome } from "./outcome.ts";

/** A run of a workflow, as it begins. Its job has the same id, and the type of `jobTypeOf`: who holds that job's lease holds the run. */
export interface NewRun {
  readonly id: string;
  /** "payments.capture" */
  readonly type: string;
  readonly version: number;
  readonly tenant: string;
  /** Who asked, and what they may do. */
  readonly actor: string;
  readonly permissions: readonly string[];
  /** JSON text. */
  readonly input: string;
  /** SHA-256 over the workflow and its input. */
  readonly inputHash: Uint8Array;
  /** Milliseconds since 1970, by the clock of the process that started it. */
  readonly startedAt: number;
  readonly traceId: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** A step of another run called it, and waits for its end. */
  readonly isChild: boolean;
}

/** "payments.capture", "payments.capture@2": each process claims the types of the versions that it has. */
export function jobTypeOf({ type, version }: Pick<NewRun, "type" | "version">): string {
  return version === 1 ? type : `${type}@${version}`;
}

/** The types of jobs that code of a version goes on with: its own, and those of earlier ones. */
export function jobTypesOf({ type, version }: Pick<NewRun, "type" | "version">): string[] {
  return Array.from({ length: version }, (_, earlier) => jobTypeOf({ type, version: version - earlier }));
}

/** "call" of an action, "run" of an effect outside, "transaction", "sleep", "wait" for a message, "undo" of another step. */
export type StepKind = "call" | "run" | "transaction" | "sleep" | "wait" | "undo";

/** A step of a run: ended where it has an outcome, else waiting. Times are milliseconds since 1970. */
export interface StepRecord {
  /** Unique in its run. */
  readonly name: string;
  readonly kind: StepKind;
  /** 16 bytes over what was asked of it: another value is another step. */
  readonly digest: Uint8Array;
  /** 1, 2, 3 … in the order in which the run came to its steps. */
  readonly place: number;
  readonly beganAt: number;
  readonly endedAt: number | undefined;
  /** Failed tries so far. */
  readonly attempts: number;
  /** Of the last try that failed. */
  readonly error: string | undefined;
  /** When it goes on by itself. */
  readonly dueAt: number | undefined;
  /** What it waits to hear; 16 bytes. */
  readonly topic: Uint8Array | undefined;
  /** The message that ended it. */
  readonly message: string | undefined;
  readonly outcome: Outcome | undefined;
}

/** What runs may wait to hear: an event with its key, a signal to one run, or the end of a run that they called. */
export interface Message {
  /** One id counts once. */
  readonly id: string;
  readonly topic: Uint8Array;
  /** JSON text. */
  readonly data: string;
}

/** A run with all that it went through. */
export interface StoredRun extends NewRun {
  readonly endedAt: number | undefined;
  /** Somebody asked for its end: nothing new is begun, and what was done is undone. */
  readonly isCancelled: boolean;
  readonly outcome: Outcome | undefined;
  /** In the order of their places. */
  readonly steps: readonly StepRecord[];
  /** Those that its waiting steps may take, oldest first. */
  readonly messages: readonly Message[];
}

/** The lease of a run: that of its job. */
export interface RunClaim {
  readonly id: string;
  readonly token: number;
}

/** What becomes of one run. Steps are stored by name; one that was stored with an outcome keeps it. */
export type RunChange =
  /** Nothing where the id is known. With a lease the run is its owner's at once, under token 1; without, it waits for a worker. */
  | {
      readonly do: "start";
      readonly run: NewRun;
      readonly lease: { readonly ms: number; readonly owner: string } | undefined;
    }
  /** A run whose job was enqueued by a transaction, and claimed before the run itself was stored. */
  | { readonly do: "adopt"; readonly run: NewRun; readonly claim: RunClaim }
  /** The steps, while the run goes on. */
  | { readonly do: "keep"; readonly claim: RunClaim; readonly steps: readonly StepRecord[] }
  /**
   * The steps; then the lease ends, and the run is due again in `dueInMs`, or with a message to one of its steps. One whose end was asked
   * for is due at once, but where the worker knew as it began.
   */
  | {
      readonly do: "wait";
      readonly claim: RunClaim;
      readonly steps: readonly StepRecord[];
      readonly dueInMs: number;
      readonly knowsCancelled: boolean;
    }
  /** `tells`: what is sent with it, where somebody waits for the end. */
  | {
      readonly do: "end";
      readonly claim: RunClaim;
      readonly steps: readonly StepRecord[];
      readonly outcome: Outcome;
      readonly tells: Message | undefined;
    };

/** "lost": the id was known, or another worker has the run; nothing of the change was stored. "cancelled": stored, and its end was asked for. */
export type RunVerdict = "done" | "cancelled" | "lost";

/** What a run is doing: "running" by a worker, "due" for one, "waiting" by its steps, "stuck" until a person acts, or ended. */
export type RunState = "running" | "due" | "waiting" | "stuck" | "done" | "failed";

/** A run, for an operator. */
export interface RunReport {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly tenant: string;
  readonly state: RunState;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly isCancelled: boolean;
  readonly traceId: string;
  /** When it goes on by itself, or its lease ends. */
  readonly dueAt: number | undefined;
  /** The process that has it. */
  readonly owner: string | undefined;
  /** Why it is stuck, or of its last try that failed. */
  readonly error: string | undefined;
  readonly fault: FaultRecord | undefined;
}

/** How many runs of a workflow, in all processes, go on by themselves, and how many a person has to look at. */
export interface RunStanding {
  /** "payments.capture" */
  readonly type: string;
  readonly waiting: number;
  readonly stuck: number;
}

/** Which runs an operator wants to see. */
export interface RunFilter {
  readonly id?: string | undefined;
  readonly tenant?: string | undefined;
  readonly type?: string | undefined;
  readonly state?: RunState | undefined;
  /** Only those that come after this one, which need not be there any more. */
  readonly after?: Pick<RunReport, "startedAt" | "id"> | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

/**
 * Runs of workflows, beside the jobs that they are claimed by.
 *
 * W1  A change takes effect under the token that its run is held with, or not at all; one id starts once.
 * W2  Changes written together commit together.
 * W3  A run that waits for a topic is due as soon as a message to it is stored, whichever of both was first. What an end tells is stored
 *     with the end.
 */
export interface RunStore {
  /** One transaction; a verdict for each, in order. */
  write(changes: readonly RunChange[]): Promise<readonly RunVerdict[]>;
  /** Those of the runs that are stored. */
  load(ids: readonly string[]): Promise<readonly StoredRun[]>;
  /**
   * Kept for who waits for the topic now, or from a later step on. A run counts those alone that came after its start, both by the
   * store's clock.
   */
  send(messages: readonly Message[]): Promise<void>;
  /** Newest first; of those that were started in one millisecond by their ids, the greatest first. */
  list(filter: RunFilter): Promise<readonly RunReport[]>;
  /** For each of the workflows, of the versions that this code goes on with. */
  standing(workflows: readonly Pick<NewRun, "type" | "version">[]): Promise<readonly RunStanding[]>;
  /** Ends the waits for a time of a run that waits, and wakes it; false where it has ended, is held or is unknown. */
  skipTime(id: string): Promise<boolean>;
  /** Asks for the end of a run that goes on, and wakes it; false where it has ended or is unknown. */
  cancel(id: string): Promise<boolean>;
  /**
   * Wakes a run that is stuck or waits to try again, with all tries before it. `from` names a step: what was kept of it and of those after it
   * is dropped, so that they are done again. False where the run has ended or is held, or the step is unknown.
   */
  retry(id: string, from: string | undefined): Promise<boolean>;
}
