import { uuidv7 } from "../call/ids.ts";
import type { Origin } from "../call/origin.ts";
import type { AnyEvent, AnyJob, AnyWorkflow } from "../contract/action.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { validateNow } from "../contract/schema.ts";
import type { EnqueueOptions, StartOptions } from "../service/context.ts";
import type { NewJob } from "../store/jobs.ts";
import type { Closing, NewEvent } from "../store/store.ts";
import { jobTypeOf, type NewRun } from "../store/workflows.ts";

/** What one handler says in its transaction: collected here, stored when it commits. */
export class Work {
  readonly events: NewEvent[] = [];
  readonly jobs: NewJob[] = [];
  readonly tags: string[] = [];
  private readonly origin: Origin;
  private readonly nowMs: () => number;
  private closed = false;

  constructor(origin: Origin, nowMs: () => number) {
    this.origin = origin;
    this.nowMs = nowMs;
  }

  emit(event: AnyEvent, data: unknown): void {
    this.assertOpen(`emit ${event.id}`);
    const value = validateNow(event.definition.data, data, (issues) =>
      kernelFaults.invalidOutput({ action: event.id, issues }),
    );
    const { identity, traceId, metadata } = this.origin;
    this.events.push({
      id: uuidv7(this.nowMs()),
      type: event.id,
      tenant: identity.tenant,
      key: event.definition.key(value as never),
      data: JSON.stringify(value),
      traceId,
      metadata,
      validatedBy: event.definition.data,
    });
  }

  enqueue(job: AnyJob, input: unknown, options: EnqueueOptions = {}): string {
    this.assertOpen(`enqueue ${job.id}`);
    const value = validateNow(job.definition.input, input, (issues) =>
      kernelFaults.invalidOutput({ action: job.id, issues }),
    );
    const { identity, traceId, metadata } = this.origin;
    const now = this.nowMs();
    const id = uuidv7(now);
    this.jobs.push({
      id,
      type: job.id,
      tenant: options.tenant ?? identity.tenant,
      input: JSON.stringify(value),
      delayMs: Math.max(0, options.at === undefined ? (options.delayMs ?? 0) : options.at - now),
      priority: options.priority ?? job.definition.priority ?? "normal",
      dedupeKey: options.dedupeKey,
      after: options.after ?? [],
      traceId,
      metadata,
    });
    return id;
  }

  /** A run's job, which has the run as its input until a process claims it. */
  start(workflow: AnyWorkflow, input: unknown, options: StartOptions = {}): string {
    this.assertOpen(`start ${workflow.id}`);
    const value = validateNow(workflow.definition.input, input, (issues) =>
      kernelFaults.invalidInput({ action: workflow.id, issues }),
    );
    const { identity, traceId, metadata } = this.origin;
    const startedAt = this.nowMs();
    const id = options.id ?? uuidv7(startedAt);
    const run: Omit<NewRun, "inputHash" | "isChild"> = {
      id,
      type: workflow.id,
      version: workflow.definition.version ?? 1,
      tenant: identity.tenant,
      actor: identity.subject,
      permissions: [...identity.permissions],
      input: JSON.stringify(value),
      startedAt,
      traceId,
      metadata,
    };
    this.jobs.push({
      id,
      type: jobTypeOf(run),
      tenant: identity.tenant,
      input: JSON.stringify(run),
      delayMs: Math.max(0, options.at === undefined ? (options.delayMs ?? 0) : options.at - startedAt),
      priority: "normal",
      dedupeKey: undefined,
      after: [],
      traceId,
      metadata,
    });
    return id;
  }

  invalidate(tags: readonly string[]): void {
    this.assertOpen("invalidate a cached answer");
    this.tags.push(...tags);
  }

  get tenant(): string {
    return this.origin.identity.tenant;
  }

  /** After this nothing can be added: a forgotten `await` must not slip an event past the commit. */
  close(): Closing {
    this.closed = true;
    return this;
  }

  private assertOpen(what: string): void {
    if (this.closed)
      throw new Error(`cannot ${what}: the handler has returned and its transaction is closed; is an await missing?`);
  }
}
