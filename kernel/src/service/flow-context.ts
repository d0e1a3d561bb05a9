import type { AnyAction, AnyEvent, AnySignal, Received, Returned, Sent } from "../contract/action.ts";
import type { CallArguments, CallOptions, CommandContext } from "./context.ts";
import type { Identity } from "./identity.ts";

/** What one try of a step has. */
export interface StepContext {
  /** The same for every try of this step in this run, and no other's: hand it to whatever is called outside. */
  readonly idempotencyKey: string;
  /** Aborts when the step's time is up, or the run goes to another process. */
  readonly signal: AbortSignal;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** What an undo has. */
export interface UndoContext extends StepContext {
  /** The idempotency key of the step that is undone. */
  readonly undoes: string;
  /** A command or query of any service; a command takes effect once for this undo and its turn in it. */
  call<A extends AnyAction>(action: A, input: Sent<A>, ...options: CallArguments<A, CallOptions>): Promise<Returned<A>>;
}

/** When a step that fails is given up; what it failed with is thrown then. */
export interface StepRetry {
  /** Default 10. A fault of kind "unavailable" is not counted. */
  readonly attemptsMax?: number;
  /** Since its first try, whatever the failures. Default: for ever. */
  readonly withinMs?: number;
}

export interface StepOptions<Result> {
  /**
   * Takes back what the step did, when the run fails or is cancelled later: the last step first. The result is undefined where
   * nobody knows whether it took effect. An undo that fails is tried again, then waits for a person.
   */
  readonly undo?: (step: UndoContext, result: Result | undefined) => unknown;
  readonly retry?: StepRetry;
  /** How long one try may take. Default 30,000. */
  readonly deadlineMs?: number;
}

/** What a transaction step has: its service's own tables, events and jobs. */
export type FlowTransaction<Service extends string, Uses> = Omit<CommandContext<Service, never, Uses>, "faults">;

/**
 * What the handler of a workflow has. It may run again from its beginning at any time, in any process; its steps are then answered from
 * what is stored, so that it comes to where it was. What is not a step must be the same again: no clock, no chance, no I/O.
 */
export interface FlowContext<Service extends string, Faults, Uses> {
  readonly id: string;
  /** Of the workflow when this run began. */
  readonly version: number;
  /** In milliseconds since 1970. */
  readonly startedAt: number;
  /** Who asked. */
  readonly identity: Identity;
  readonly metadata: Readonly<Record<string, string>>;
  /** One for the whole run, however many days it takes. */
  readonly traceId: string;
  readonly uses: Uses;
  /** Raises the faults that the workflow declares: the run is undone, and ends in it. */
  readonly faults: Faults;
  /** A UUID that is the same for the same run and name. */
  newId(name: string): string;
  /**
   * A command, query or workflow of any service. A command takes effect once per run and step, by its idempotency key, and costs nothing
   * beside itself; a workflow is a run of its own, whose end is awaited.
   */
  call<A extends AnyAction>(
    name: string,
    action: A,
    input: Sent<A>,
    ...options: CallArguments<A, StepOptions<Returned<A>>>
  ): Promise<Returned<A>>;
  /** Any effect outside. It may be tried more than once, under the same key; its result is kept as JSON, 256 KiB at most. */
  run<Result>(
    name: string,
    work: (step: StepContext) => Result | Promise<Result>,
    options?: StepOptions<Result>,
  ): Promise<Result>;
  /** A transaction on the service's own tables, with its events and jobs: it and its record commit together, once. */
  transaction<Result>(
    name: string,
    work: (tx: FlowTransaction<Service, Uses>) => Result | Promise<Result>,
    options?: StepOptions<Result>,
  ): Promise<Result>;
  /** Until then nothing is held in memory; a time that has passed fires at once. */
  sleep(name: string, until: number | { readonly until: number }): Promise<void>;
  /**
   * The first event with the key, or signal to this run, that came since the run began and no other step of it has taken; undefined where
   * `withinMs` is over before. An event must be named in `awaits` of `implement`.
   */
  waitFor<E extends AnyEvent>(
    name: string,
    event: E,
    options: { readonly key: string; readonly withinMs: number },
  ): Promise<Received<E> | undefined>;
  waitFor<E extends AnyEvent>(name: string, event: E, options: { readonly key: string }): Promise<Received<E>>;
  waitFor<G extends AnySignal>(
    name: string,
    signal: G,
    options: { readonly withinMs: number },
  ): Promise<Received<G> | undefined>;
  waitFor<G extends AnySignal>(name: string, signal: G): Promise<Received<G>>;
}
