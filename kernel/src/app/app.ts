import type { Bus } from "../bus/bus.ts";
import type { Codec } from "../bus/frame/codec.ts";
import type { Clock } from "../call/clock.ts";
import type { CallNotes } from "../call/context.ts";
import type { HealthCheck } from "../call/health-check.ts";
import type { AppState, InspectorListener, InspectorRecord } from "../call/inspector.ts";
import type { Middleware } from "../call/middleware.ts";
import type { RuntimeOptions } from "../call/runtime.ts";
import type { AnyAction, Returned, Sent } from "../contract/action.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Lag } from "../delivery/dispatcher.ts";
import type { Documents } from "../documents/documents.ts";
import type { JobOptions } from "../jobs/workers.ts";
import type { Kv } from "../kv/kv.ts";
import type { Log } from "../log/log.ts";
import type { NodeReport } from "../remote/remote.ts";
import type { Fallback } from "../service/context.ts";
import type { Identity } from "../service/identity.ts";
import type { Service } from "../service/service.ts";
import type { JobBacklog, JobFilter, JobReport } from "../store/jobs.ts";
import type { DeadLetter, RetentionStanding, Store, StoredSubscriptions } from "../store/store.ts";
import type { WorkflowOperations } from "../workflow/operations.ts";
import type { WorkflowOptions } from "../workflow/workflows.ts";

/** What an application is made of. */
export interface AppOptions {
  readonly services: readonly Service[];
  /** Needed as soon as a service has commands, subscriptions, projections or jobs. */
  readonly store?: Store;
  /** Needed as soon as a service has collections. */
  readonly documents?: Documents;
  /** Needed as soon as a service says `usesKv`. */
  readonly kv?: Kv;
  readonly middleware?: readonly Middleware[];
  /** Checks what handlers return against their output schemas. Default true; production turns it off. */
  readonly validateOutput?: boolean;
  /** The budget of a root call that names none, in milliseconds. Default 5,000. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
  /** Where events go and where they come from, instead of straight from the store to the subscribers: for other databases and programs. */
  readonly log?: Log;
  /** The way to other processes: what no service here answers is called there, and others call what is here. */
  readonly bus?: Bus;
  /** How calls are written, the best first, where the other node knows it; behind them come records, and JSON, which every node knows. */
  readonly codecs?: readonly Codec[];
  /** Contracts of services in other processes, known from the start: listed by `contracts`, and found before the first call. */
  readonly remotes?: readonly AnyContract[];
  /** What this node is called, before a random part. Default: its first service. */
  readonly nodeName?: string;
  readonly jobs?: JobOptions;
  readonly workflows?: WorkflowOptions;
  /** Told of every unexpected error; callers get its correlation id alone. Default: console.error. */
  readonly report?: RuntimeOptions["report"];
}

/** What an edge knows of a call beside its input. */
export interface RootCallOptions {
  /** Default: the platform itself, which may do all. */
  readonly identity?: Identity | undefined;
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly idempotencyKey?: string | undefined;
  /** W3C Trace Context, 32 hexadecimal digits; made where absent. */
  readonly traceId?: string | undefined;
  readonly parentSpanId?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The instance of an instanced contract that the call is for; elsewhere what `balance: "hash"` goes by. */
  readonly key?: string | undefined;
  /** Filled in before the call settles. */
  readonly notes?: CallNotes | undefined;
}

/** Services in one process: what edges, tests and scripts hold. */
export interface App {
  readonly state: AppState;
  readonly services: readonly Service[];
  /** Of its services, then those of other processes that it was told of. */
  readonly contracts: readonly AnyContract["contract"][];
  /** Other nodes that offer what this one calls. */
  nodes(): readonly NodeReport[];
  /** Migrates, starts the services in the order of their `after`, then deliveries and jobs. Raises what stopped it. */
  start(onStarted?: (service: string, tookMs: number) => void): Promise<void>;
  /** Refuses new calls, lets accepted work finish for `deadlineMs` (default 10,000), hands the rest back, closes the store. Idempotent. */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Calls from outside: checks access, validates, enforces the deadline while it runs. */
  call<A extends AnyAction>(action: A, input: Sent<A>, options?: RootCallOptions & Fallback<A>): Promise<Returned<A>>;
  /** By "service.name"; raises `kernel.unknownAction` with the nearest names. */
  action(id: string): AnyAction;
  /** One record per call, delivery, job, event and state, or of the `kinds` alone; answers the function that ends it. */
  inspect(listener: InspectorListener, kinds?: readonly InspectorRecord["kind"][]): () => void;
  health(): Promise<readonly HealthCheck[]>;
  /** Empties a projection, "ledger.accountDay", and folds the whole log into it again, in one transaction. */
  rebuild(projection: string): Promise<{ readonly foldedCount: number }>;
  deadLetters(filter?: {
    readonly subscriber?: string;
    readonly limit?: number;
    /** A letter's position. */
    readonly after?: number;
  }): Promise<DeadLetter[]>;
  redrive(id: string): Promise<"handled" | "failed" | "gone">;
  /** Jobs that are not done, of all processes: the dead newest first, all others in the order in which they become free. */
  jobs(filter?: JobFilter): Promise<readonly JobReport[]>;
  /** What is asked of runs of workflows. */
  readonly workflows: WorkflowOperations;
  /** Of the types whose jobs run here: how many of them wait for a worker, and for how long. */
  jobBacklog(): Promise<readonly JobBacklog[]>;
  /** Gives a dead job its attempts back, due now; false where there is none, or a living one has its dedupe key. */
  retryJob(id: string): Promise<boolean>;
  /**
   * No process begins a job of the type, "ledger.seal", until it is resumed; runs that have begun go on. Raises `kernel.unknownAction`
   * for a type of no contract here.
   */
  pauseJobs(type: string): Promise<void>;
  resumeJobs(type: string): Promise<void>;
  /** How far deliveries are behind. */
  lag(): Promise<Lag>;
  /** Lets every event since then (milliseconds since 1970) be delivered again; who has handled it skips it. Raises `store.forgotten`. */
  republish(since: number): Promise<{ readonly count: number }>;
  /** What is kept of what is over. */
  retention(): Promise<RetentionStanding>;
  /** Every service that hears of events in this store, running or not, and what waits for it. */
  subscriptions(): Promise<readonly StoredSubscriptions[]>;
  /**
   * For a service that is gone for good: nothing waits for it any more, and what waited is dropped; answers how many events that were.
   * Raises `kernel.stillSubscribed` for one that runs here; elsewhere it would hear of nothing until its next start.
   */
  forgetSubscriptions(service: string): Promise<number>;
  /** Resolves when no event waits to be delivered and no job is due. For tests and scripts. */
  settled(options?: { readonly deadlineMs?: number }): Promise<void>;
}
