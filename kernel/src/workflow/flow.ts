import { type Binding, Context, type Handling } from "../call/context.ts";
import { canonicalJson, digest } from "../call/ids.ts";
import { nearest } from "../call/nearest.ts";
import { Origin } from "../call/origin.ts";
import type { Scope } from "../call/scope.ts";
import type { AnyAction, AnyEvent, AnySignal, AnyWorkflow } from "../contract/action.ts";
import { isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { validateNow } from "../contract/schema.ts";
import type { CallOptions } from "../service/context.ts";
import type { FlowContext, StepContext, StepOptions, UndoContext } from "../service/flow-context.ts";
import type { RunClaim, StoredRun } from "../store/workflows.ts";
import { runCommand } from "../transaction/command.ts";
import type { Course } from "./course.ts";
import { runId, stepKey } from "./keys.ts";
import { eventTopic, signalTopic } from "./topics.ts";

const stepDeadlineMs = 30_000;

/** A workflow with what handles it. */
export interface HandledWorkflow extends Handling {
  readonly workflow: AnyWorkflow;
  /** The types of events that its service keeps for waiting steps. */
  readonly awaits: ReadonlySet<string>;
  /** Codes of the faults that it declares. */
  readonly codes: ReadonlySet<string>;
  /** Of its transaction steps. */
  readonly transactions: Omit<Binding, "action" | "handler">;
}

type Options = StepOptions<unknown> & CallOptions;
type Undo = NonNullable<Options["undo"]>;

/** One attempt at a run; without a claim it is a replay, in which nothing is done. */
interface Going {
  readonly run: StoredRun;
  readonly claim: RunClaim | undefined;
  readonly scope: Scope;
  readonly course: Course;
}

/** A step that took effect, or may have. */
interface Done {
  readonly name: string;
  readonly undo: Undo;
  readonly result: unknown;
}

/** What the handler of one attempt at a run holds as `flow`. */
export class Flow implements FlowContext<string, object, unknown> {
  readonly id: string;
  readonly version: number;
  readonly startedAt: number;
  readonly uses: unknown;
  readonly faults: object;
  private readonly handled: HandledWorkflow;
  private readonly scope: Scope;
  private readonly course: Course;
  private readonly context: Context;
  /** In the order in which they ended. */
  private readonly done: Done[] = [];
  /** Of the steps that were begun and have not answered, by their names. */
  private readonly open = new Map<string, Undo>();

  constructor(handled: HandledWorkflow, { run, claim, scope, course }: Going) {
    this.id = run.id;
    this.version = run.version;
    this.startedAt = run.startedAt;
    this.uses = handled.uses;
    this.faults = handled.faults;
    this.handled = handled;
    this.scope = scope;
    this.course = course;
    const identity = { subject: run.actor, tenant: run.tenant, permissions: new Set(run.permissions) };
    this.context = new Context(handled, scope, new Origin(identity, run.traceId, run.metadata));
    this.context.under = claim;
  }

  get identity() {
    return this.context.identity;
  }
  get metadata() {
    return this.context.metadata;
  }
  get traceId() {
    return this.context.traceId;
  }

  newId(name: string): string {
    const hex = Buffer.from(digest(16, this.id, "id", name)).toString("hex");
    // Version 8: an id of the application's own making (RFC 9562, section 5.8).
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what an action answers is between its contract and the caller, in FlowContext
  call(name: string, action: AnyAction, ...[input, options = {}]: [input: unknown, options?: Options]): Promise<any> {
    if (action.kind === "command" && action.definition.answers === "once")
      throw new TypeError(`${action.id} answers once: no run could be taken over that had its answer`);
    const step = {
      name,
      kind: "call" as const,
      about: `${action.id} ${canonicalJson(input)}`,
      isFound: action.kind !== "query",
      child: action.kind === "workflow" ? runId(action, this.identity.tenant, this.keyOf(name)) : undefined,
      retry: options.retry,
    };
    return this.undoable(name, options, () =>
      this.course.step(step, () =>
        this.context.call(action, input, {
          idempotencyKey: this.keyOf(name),
          deadlineMs: options.deadlineMs ?? stepDeadlineMs,
          ...(options.key !== undefined && { key: options.key }),
        }),
      ),
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: the result is the step's own, in FlowContext
  run(name: string, work: (step: StepContext) => unknown, options: Options = {}): Promise<any> {
    const step = { name, kind: "run" as const, about: "", isFound: false, retry: options.retry };
    return this.undoable(name, options, () =>
      this.course.step(step, (attempt) =>
        this.timed(name, options, async ({ signal }) => work({ idempotencyKey: this.keyOf(name), signal, attempt })),
      ),
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: the result is the step's own, in FlowContext
  transaction(name: string, work: (tx: never) => unknown, options: Options = {}): Promise<any> {
    const step = { name, kind: "transaction" as const, about: "", isFound: true, retry: options.retry };
    const { workflow, transactions } = this.handled;
    const action = { ...workflow, id: `${workflow.id}/${name}` };
    const binding: Binding = { ...transactions, action, handler: async (tx) => work(tx as never) };
    return this.undoable(name, options, () =>
      this.course.step(step, () =>
        this.timed(name, options, (scope) => {
          const context = new Context(binding, scope, this.context.origin);
          context.idempotencyKey = this.keyOf(name);
          context.under = this.context.under;
          return runCommand({ binding, context, value: null });
        }),
      ),
    );
  }

  sleep(name: string, until: number | { readonly until: number }): Promise<void> {
    const isTime = typeof until === "object";
    const about = isTime ? `until ${until.until}` : `for ${until}`;
    const at = isTime ? until.until : this.course.now + until;
    return this.course.sleep({ name, kind: "sleep", about, isFound: true }, at);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the data is the event's or signal's, in FlowContext
  async waitFor(name: string, what: AnyEvent | AnySignal, options: Wait = {}): Promise<any> {
    const { key, withinMs } = options;
    const isSignal = what.kind === "signal";
    if (!this.known().includes(what.id)) {
      throw kernelFaults.unknownSignal({ id: what.id, nearest: nearest(what.id, this.known()) });
    }
    const topic = isSignal ? signalTopic(what.id, this.id) : eventTopic(what.id, this.identity.tenant, key ?? "");
    const about = `${what.id} ${key ?? ""} ${withinMs ?? ""}`;
    const data = await this.course.message({ name, kind: "wait", about, isFound: false }, { topic, withinMs });
    if (data === undefined) return undefined;
    return validateNow(isSignal ? what.data : what.definition.data, JSON.parse(data), (issues) =>
      kernelFaults.invalidOutput({ action: what.id, issues }),
    );
  }

  /** Takes back what was done, the last first, each as a step of its own. */
  async undo(): Promise<void> {
    await this.course.fail();
    for (const [name, undo] of this.open) {
      if (this.course.wasTried(name)) this.done.push({ name, undo, result: undefined });
    }
    this.course.undo();
    for (const { name, undo, result } of this.done.reverse()) {
      const step = { name: `undo ${name}`, kind: "undo" as const, about: name, isFound: false };
      await this.course.step(step, (attempt) =>
        this.timed(step.name, {}, async (scope) => {
          await undo(this.undoContext({ name, scope, attempt }), result);
        }),
      );
    }
  }

  private undoContext({ name, scope, attempt }: { name: string; scope: Scope; attempt: number }): UndoContext {
    const idempotencyKey = this.keyOf(`undo ${name}`);
    const context = new Context(this.handled, scope, this.context.origin);
    context.under = this.context.under;
    let turn = 0;
    return {
      idempotencyKey,
      signal: scope.signal,
      attempt,
      undoes: this.keyOf(name),
      // biome-ignore lint/suspicious/noExplicitAny: what an action answers is between its contract and the caller, in UndoContext
      call: (action: AnyAction, input: unknown, options?: CallOptions): Promise<any> =>
        context.call(action, input, { ...options, idempotencyKey: `${idempotencyKey}:${turn++}` }),
    };
  }

  /**
   * What may have taken effect is undone: all that has a result, what was given up without knowing, and what waited for its next try when
   * the run failed or was cancelled.
   */
  private async undoable(name: string, { undo }: Options, work: () => Promise<unknown>): Promise<unknown> {
    if (undo !== undefined) this.open.set(name, undo);
    try {
      const result = await work();
      if (undo !== undefined) this.done.push({ name, undo, result });
      return result;
    } catch (error) {
      const isUnknown = this.course.isCancellation(error)
        ? this.course.wasTried(name)
        : isFault(error) && error.retry !== "no";
      if (undo !== undefined && isUnknown) this.done.push({ name, undo, result: undefined });
      throw error;
    } finally {
      this.open.delete(name);
    }
  }

  private async timed<T>(name: string, { deadlineMs }: Options, work: (scope: Scope) => Promise<T>): Promise<T> {
    const scope = this.scope.narrowed(deadlineMs ?? stepDeadlineMs, `${this.handled.workflow.id}/${name}`);
    try {
      return await this.handled.runtime.watched(scope, () => work(scope));
    } finally {
      this.scope.forget(scope);
    }
  }

  private keyOf(name: string): string {
    return stepKey(this.id, name);
  }

  private known(): readonly string[] {
    const { workflow, awaits } = this.handled;
    return [...awaits, ...Object.keys(workflow.definition.signals ?? {}).map((name) => `${workflow.id}.${name}`)];
  }
}

interface Wait {
  readonly key?: string;
  readonly withinMs?: number;
}
