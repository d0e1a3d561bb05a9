import type { Clock } from "../call/clock.ts";
import { digest as hashOf } from "../call/ids.ts";
import { type Fault, faultRecord } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { storeFaults } from "../store/store-faults.ts";
import type { Message, RunVerdict, StepRecord, StoredRun } from "../store/workflows.ts";
import { Divergence, divergence } from "./divergence.ts";
import { answerOf, dataOf, judgeTry, nothing, type Step, textOf, timeOf } from "./step.ts";
import { endTopic } from "./topics.ts";

/** How a course leaves its process: to wait, or because it was taken over or could not be stored. */
export type Leaving =
  | { readonly why: "waits"; readonly dueInMs: number }
  | { readonly why: "lost" }
  | { readonly why: "failed"; readonly error: unknown };

/** An undo failed too often: a person decides. */
export class Stuck extends Error {
  constructor(why: string) {
    super(why);
    this.name = "Stuck";
  }
}

/**
 * How far the attempt is. `going`: the code runs. `failing`: it has failed, and steps side by side with the one that failed come as far as
 * the history goes. `ending`: what was begun comes to an end. `undoing`: that is undone, the last first.
 */
type Phase = "going" | "failing" | "ending" | "undoing";

interface Surroundings {
  readonly clock: Clock;
  readonly stepsMax: number;
  /** Nothing new is begun: the attempt leaves where the history ends. */
  readonly isReplay: boolean;
  /** Stores steps under the run's lease. */
  save(steps: readonly StepRecord[]): Promise<RunVerdict>;
  /** Asks for the end of a run that goes on; one that has ended, or is in another database, is left alone. */
  cancel(run: string): Promise<unknown>;
  leave(leaving: Leaving): void;
}

/**
 * One attempt at a run, from its beginning: which steps are answered from the history, which are new, when it is stored and when it waits.
 *
 * K1  A step that has an outcome is not begun again: its outcome is the answer.
 * K2  A new step is not begun before the outcomes that came before it are stored, those apart that can be found out again.
 * K3  When nothing is under way and something waits, the attempt ends; another begins when the wait is over.
 * K4  A new step is not begun while the history has an outcome that the code did not come to: the code differs (see Divergence).
 * K5  A promise of a step that an attempt will not answer any more is never settled, so that nothing of the handler goes on.
 * K6  Nothing is undone before all that was begun has come to an end and is stored, and nothing but undoing is begun after.
 */
export class Course {
  private readonly run: StoredRun;
  private readonly surroundings: Surroundings;
  private readonly history: ReadonlyMap<string, StepRecord>;
  /** Steps with an outcome in the history, to which the code has not come. */
  private readonly unreached: Set<string>;
  private readonly named = new Set<string>();
  private readonly waiting = new Map<string, StepRecord>();
  /** Steps that were begun and have not answered. */
  private readonly doing = new Map<string, StepRecord>();
  private readonly taken = new Set<string>();
  private unsaved: StepRecord[] = [];
  private beingSaved: readonly StepRecord[] = [];
  private mustSave = false;
  private saving: Promise<void> | null = null;
  /** Steps that are begun or about to be. */
  private underWay = 0;
  /** Told when nothing is under way any more. */
  private onQuiet: (() => void) | null = null;
  private phase: Phase = "going";
  private hasLeft = false;
  private isChecking = false;
  private isCancelled: boolean;
  /** It began as one that undoes: what it waits for is waited for, though the run's end was asked for. */
  readonly knowsCancelled: boolean;
  /** The first step of the undoing that another attempt began. */
  private readonly undone: StepRecord | undefined;
  /** Of the steps that wait for runs that they called: their ids. */
  private readonly children = new Map<string, string>();

  constructor(run: StoredRun, isClean: boolean, surroundings: Surroundings) {
    this.run = run;
    this.surroundings = surroundings;
    this.history = new Map(run.steps.map((step) => [step.name, step]));
    const ended = run.steps.filter(({ outcome, kind }) => outcome !== undefined && kind !== "undo");
    this.unreached = new Set(ended.map(({ name }) => name));
    for (const { message } of run.steps) if (message !== undefined) this.taken.add(message);
    this.undone = run.steps.find(({ kind }) => kind === "undo");
    // After a crash something may have taken effect that no step tells of: it is come to first, and then undone with the others.
    this.knowsCancelled = run.isCancelled && (isClean || this.undone !== undefined);
    this.isCancelled = this.knowsCancelled;
  }

  get now(): number {
    return this.surroundings.clock.now();
  }

  /** All that is to be stored with the run's end. Throws where the history has a step that the code did not come to. */
  end(): readonly StepRecord[] {
    const [step] = this.unreached;
    if (step !== undefined) throw divergence.unreached(step);
    this.hasLeft = true;
    return this.unsaved;
  }

  /** What a run tells that ends because it was cancelled, or because one was that it had called: its own end, where that was asked for. */
  cancellation(error: Fault): Fault {
    const isOwn = this.run.isCancelled || this.isCancelled;
    return isOwn ? kernelFaults.runCancelled({ run: this.run.id }) : error;
  }

  /** Whether the fault says that this run was cancelled, and not one that it called. */
  isCancellation(error: unknown): boolean {
    return kernelFaults.runCancelled.is(error) && error.details.run === this.run.id;
  }

  /** Whether an earlier try of the step is known, whatever came of it. */
  wasTried(name: string): boolean {
    return this.history.has(name) || this.waiting.has(name);
  }

  /** The run has failed. Resolves when no step but those of its undoing goes on: what was begun has an outcome, or is not tried again. */
  async fail(): Promise<void> {
    this.phase = "failing";
    await turn();
    this.phase = "ending";
    while (this.underWay > 0) {
      await new Promise<void>((resolve) => {
        this.onQuiet = resolve;
      });
      await turn();
    }
    if (this.hasLeft) return gone();
    const [unreached] = this.unreached;
    if (unreached !== undefined) throw this.differs(divergence.unreached(unreached));
    if (this.children.size > 0) {
      await Promise.all([...this.children.values()].map((child) => this.cancel(child)));
      return this.leaveUntilDue();
    }
  }

  /** Steps that wait or fail from now on do so for the undoing. */
  undo(): void {
    this.phase = "undoing";
    this.unsaved.push(...this.waiting.values());
    this.waiting.clear();
  }

  /** Also those that were begun, and may have taken effect: whoever goes on with the run knows of them. */
  get unsavedSteps(): readonly StepRecord[] {
    return [...this.beingSaved, ...this.unsaved, ...this.waiting.values(), ...this.doing.values()];
  }

  /** Answers the step's outcome, from the history or by `act`, which gets the number of its try. */
  async step(step: Step, act: (attempt: number) => Promise<unknown>): Promise<unknown> {
    if (this.hasLeft) return gone();
    const before = this.reach(step);
    if (before?.outcome !== undefined) return answerOf(before.outcome);
    if (this.beginsNothing && step.kind !== "undo") return this.dropped();
    // What a run that it called has done is known when that ends, and undone then.
    const isAwaited = before?.topic !== undefined;
    if (isAwaited && this.knowsCancelled && step.child !== undefined) await this.cancel(step.child);
    if (before?.dueAt !== undefined && before.dueAt > this.now && !this.hasHeard(before)) {
      if (!isAwaited) this.assertGoesOn();
      return this.wait(before, step.child);
    }
    const begun = before ?? this.begun(step);
    // Whoever goes on with the run knows that undoing has begun.
    if (step.kind === "undo" && before === undefined) this.keep(begun, true);
    await this.clear();
    if (!isAwaited) this.assertGoesOn();
    return this.act(step, begun, act);
  }

  /** K6: an attempt before this one undid, or this one is about to. */
  private get beginsNothing(): boolean {
    return this.undone !== undefined || this.phase === "ending" || this.phase === "undoing";
  }

  /** Waits until a time. */
  async sleep(step: Step, until: number): Promise<void> {
    if (this.hasLeft) return gone();
    const before = this.reach(step);
    if (before?.outcome !== undefined) return;
    if (this.beginsNothing) return this.dropped();
    const begun = before ?? { ...this.begun(step), dueAt: timeOf(step, until) };
    this.assertGoesOn();
    if ((begun.dueAt ?? 0) > this.now) return this.wait(begun);
    this.keep({ ...begun, endedAt: this.now, outcome: nothing }, false);
  }

  /** The data of the first message to the topic that no step has taken; undefined where time is up. */
  async message(
    step: Step,
    { topic, withinMs }: { readonly topic: Uint8Array; readonly withinMs: number | undefined },
  ): Promise<string | undefined> {
    if (this.hasLeft) return gone();
    const before = this.reach(step);
    if (before?.outcome !== undefined) return dataOf(before);
    if (this.beginsNothing) return this.dropped();
    const dueAt = withinMs === undefined ? undefined : timeOf(step, this.now + withinMs);
    const begun = before ?? { ...this.begun(step), topic, dueAt };
    this.assertGoesOn();
    const found = this.messageTo(topic);
    if (found === undefined && (before === undefined || begun.dueAt === undefined || begun.dueAt > this.now))
      return this.wait(begun);
    if (found !== undefined) this.taken.add(found.id);
    const outcome = found === undefined ? nothing : { result: found.data };
    const ended = { ...begun, endedAt: this.now, message: found?.id, outcome };
    this.keep(ended, true);
    return dataOf(ended);
  }

  private messageTo(topic: Uint8Array): Message | undefined {
    return this.run.messages.find((one) => !this.taken.has(one.id) && Buffer.compare(one.topic, topic) === 0);
  }

  /** Whether the run that it called has ended meanwhile. */
  private hasHeard({ topic }: StepRecord): boolean {
    return topic !== undefined && this.messageTo(topic) !== undefined;
  }

  /** Comes to a step: what the history has of it, once the code is seen to ask for the same. */
  private reach({ name, kind, about }: Step): StepRecord | undefined {
    if (this.named.has(name)) throw this.differs(divergence.twice(name));
    this.named.add(name);
    const { stepsMax } = this.surroundings;
    if (this.named.size > stepsMax) throw kernelFaults.tooManySteps({ workflow: this.run.type, stepsMax });
    const before = this.history.get(name);
    this.unreached.delete(name);
    if (before === undefined) return undefined;
    if (before.kind !== kind) throw this.differs(divergence.otherKind(name, before.kind, kind));
    if (Buffer.compare(before.digest, hashOf(16, about)) !== 0) throw this.differs(divergence.otherInput(name));
    return before;
  }

  private begun({ name, kind, about }: Step): StepRecord {
    return {
      name,
      kind,
      digest: hashOf(16, about),
      place: this.named.size,
      beganAt: this.now,
      endedAt: undefined,
      attempts: 0,
      error: undefined,
      dueAt: undefined,
      topic: undefined,
      message: undefined,
      outcome: undefined,
    };
  }

  /** K2, K4. */
  private async clear(): Promise<void> {
    this.underWay++;
    // Whatever else the code does at once comes to its steps first.
    if (this.unreached.size > 0) await turn();
    const [unreached] = this.unreached;
    if (unreached !== undefined && this.phase !== "undoing") throw this.differs(divergence.unreached(unreached));
    if (this.surroundings.isReplay) return this.leave({ why: "waits", dueInMs: 0 });
    if (this.mustSave || this.saving !== null) await this.saved();
    this.settled();
  }

  private settled(): void {
    this.underWay--;
    if (this.underWay === 0) this.onQuiet?.();
  }

  /** K6. Code that failed in an attempt before, and does not fail now, differs. */
  private async dropped(): Promise<never> {
    this.assertGoesOn();
    await turn();
    if (this.phase === "going" && this.undone !== undefined) throw this.differs(divergence.unreached(this.undone.name));
    return gone();
  }

  /** Undoing goes on when the run is cancelled. */
  private assertGoesOn(): void {
    if (this.isCancelled && this.phase !== "undoing") throw kernelFaults.runCancelled({ run: this.run.id });
  }

  private async cancel(child: string): Promise<void> {
    this.underWay++;
    try {
      await this.surroundings.cancel(child);
    } catch (error) {
      return this.leave({ why: "failed", error });
    } finally {
      this.settled();
    }
  }

  private async act(step: Step, begun: StepRecord, act: (attempt: number) => Promise<unknown>): Promise<unknown> {
    this.underWay++;
    this.doing.set(step.name, begun);
    try {
      const result = await act(begun.attempts + 1);
      if (this.hasLeft) return gone();
      const text = textOf(step, result);
      this.doing.delete(step.name);
      this.keep({ ...begun, endedAt: this.now, dueAt: undefined, outcome: { result: text } }, !step.isFound);
      // As it will be when it is read from the history.
      return typeof result === "object" && !step.isFound ? JSON.parse(text) : result;
    } catch (error) {
      if (this.hasLeft) return gone();
      this.doing.delete(step.name);
      return this.failed(step, begun, error);
    } finally {
      this.settled();
      this.check();
    }
  }

  private failed(step: Step, begun: StepRecord, error: unknown): Promise<never> {
    if (error instanceof Divergence) throw this.differs(error);
    if (storeFaults.stale.is(error)) return this.leave({ why: "lost" });
    if (kernelFaults.idempotencyConflict.is(error)) throw this.differs(divergence.otherInput(step.name));
    const { attempts, given, dueAt } = judgeTry(step, begun, { error, now: this.now });
    if (given !== undefined) {
      if (step.kind === "undo") return this.stuck({ ...begun, attempts, error: given.message }, given);
      const outcome = { fault: faultRecord(given) };
      this.keep({ ...begun, attempts, endedAt: this.now, dueAt: undefined, outcome }, true);
      throw given;
    }
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    // The end of a run that goes on is told; the time is for those of another database.
    if (kernelFaults.pending.is(error))
      return this.wait({ ...begun, attempts, error: undefined, dueAt, topic: endTopic(error.details.run) }, step.child);
    return this.wait({ ...begun, attempts, error: text, dueAt, topic: undefined });
  }

  private stuck(step: StepRecord, error: Error): Promise<never> {
    this.waiting.set(step.name, step);
    return this.leave({ why: "failed", error: new Stuck(`"${step.name}" failed: ${error.message}`) });
  }

  private keep(step: StepRecord, mustSave: boolean): void {
    this.unsaved.push(step);
    this.mustSave ||= mustSave;
    this.check();
  }

  /** Those who ask while it is under way wait for the next, which has theirs. */
  private async saved(): Promise<void> {
    while (this.mustSave || this.saving !== null) {
      this.saving ??= this.save().finally(() => {
        this.saving = null;
      });
      await this.saving;
    }
  }

  private async save(): Promise<void> {
    this.beingSaved = this.unsaved;
    this.unsaved = [];
    this.mustSave = false;
    try {
      const verdict = await this.surroundings.save(this.beingSaved);
      this.beingSaved = [];
      if (verdict === "lost") return this.leave({ why: "lost" });
      this.isCancelled ||= verdict === "cancelled";
    } catch (error) {
      return this.leave({ why: "failed", error });
    }
  }

  private wait(step: StepRecord, child?: string): Promise<never> {
    this.waiting.set(step.name, step);
    if (child !== undefined) this.children.set(step.name, child);
    this.check();
    return gone();
  }

  /** K3. */
  private check(): void {
    if (this.isChecking || !this.onlyWaits) return;
    this.isChecking = true;
    setImmediate(() => {
      this.isChecking = false;
      if (!this.onlyWaits) return;
      const [unreached] = this.unreached;
      if (unreached !== undefined && this.phase !== "undoing")
        return void this.differs(divergence.unreached(unreached));
      void this.leaveUntilDue();
    });
  }

  /** One that has failed goes on to its undoing (see `fail`). */
  private get onlyWaits(): boolean {
    const isFailing = this.phase === "failing" || this.phase === "ending";
    return !this.hasLeft && !isFailing && this.waiting.size > 0 && this.underWay === 0;
  }

  private leaveUntilDue(): Promise<never> {
    const dueAt = Math.min(...[...this.waiting.values()].map((step) => step.dueAt ?? Number.POSITIVE_INFINITY));
    return this.leave({ why: "waits", dueInMs: Math.max(0, dueAt - this.now) });
  }

  private differs(error: Error): Error {
    void this.leave({ why: "failed", error });
    return error;
  }

  private leave(leaving: Leaving): Promise<never> {
    if (!this.hasLeft) {
      this.hasLeft = true;
      this.surroundings.leave(leaving);
    }
    return gone();
  }
}

/** Whatever the code does at once is done. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Never settles (K5). */
function gone(): Promise<never> {
  return new Promise(() => {});
}
