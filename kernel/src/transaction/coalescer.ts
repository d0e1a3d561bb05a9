import { type Calls, Context, type ValidCall } from "../call/context.ts";
import { Origin } from "../call/origin.ts";
import { Scope } from "../call/scope.ts";
import { faultRecord, isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { systemIdentity } from "../service/identity.ts";
import type { Batched } from "../service/service.ts";
import { AlreadyRecorded, type CommandKey, type CommandRecord, type CommandTransaction } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import { commandKey, commandRecord, isRecordable, isRecorded, replay, storedAnswer, untilDecided } from "./command.ts";
import { Work } from "./work.ts";

interface Pending {
  readonly call: ValidCall;
  readonly key: CommandKey | undefined;
  readonly keyText: string;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const waitingMax = 10_000;
/** Callers that come again do so one soon after the other; when this long none has come, none is about to. */
const quietMs = 1;

/**
 * Runs a batched command: collects calls while a group is under way, and commits each group as one transaction. Holds C1 to
 * C5 of command.ts for every item. Two calls with one idempotency key never share a group; the later finds the record.
 *
 * One group at a time: of two, each is half as large, and they wait for each other's rows. Where the handler allows for more, full ones go
 * beside each other. Callers that were answered together come again soon, and the next group waits for them as long as they keep
 * coming, at most as long as theirs took: else it would go with whoever was first, and groups would stay small. Measured, 16
 * callers posting: groups of 15 in place of 5 or 8.
 */
export class Coalescer {
  private readonly options: Batched<never, unknown>;
  private waiting: Pending[] = [];
  private running = 0;
  private scheduled = false;
  /** While those that were answered last may come again: how many would wait then, and until when they are waited for. */
  private returning: { readonly count: number; readonly until: number; readonly timer: NodeJS.Timeout } | null = null;

  constructor(options: Batched<never, unknown>) {
    this.options = options;
  }

  add(call: ValidCall): Promise<unknown> {
    if (this.waiting.length >= waitingMax) {
      return Promise.reject(kernelFaults.overloaded({ action: call.binding.action.id, inFlightMax: waitingMax }));
    }
    const key = commandKey(call);
    return new Promise((resolve, reject) => {
      this.waiting.push({
        call,
        key,
        keyText: key === undefined ? "" : Buffer.from(key.id).toString("latin1"),
        resolve,
        reject,
      });
      this.schedule();
    });
  }

  /** A turn of the event loop gathers what one read of the sockets brought; without it the first request always went alone. */
  private schedule(): void {
    const { waiting, returning } = this;
    if (waiting.length === 0 || this.scheduled || !this.mayBegin()) return;
    if (returning !== null && waiting.length < returning.count && clockOf(waiting).monotonic() < returning.until) {
      returning.timer.refresh();
      return;
    }
    this.endReturn();
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      void this.next();
    });
  }

  private mayBegin(): boolean {
    const { itemsMax, groupsMax } = this.options;
    return this.running === 0 || (this.running < groupsMax && this.waiting.length >= itemsMax);
  }

  private async next(): Promise<void> {
    this.running++;
    const group = this.take();
    this.schedule();
    const clock = clockOf(group);
    const began = clock.monotonic();
    await this.group(group);
    this.running--;
    this.endReturn();
    const ended = clock.monotonic();
    const count = Math.min(group.length + this.waiting.length, this.options.itemsMax);
    const end = () => {
      this.endReturn();
      this.schedule();
    };
    // One that was alone is not waited for: whoever comes next is as many.
    if (count > 1) this.returning = { count, until: ended + (ended - began), timer: setTimeout(end, quietMs) };
    this.schedule();
  }

  private endReturn(): void {
    if (this.returning !== null) clearTimeout(this.returning.timer);
    this.returning = null;
  }

  private take(): Pending[] {
    const keys = new Set<string>();
    const taken: Pending[] = [];
    const left: Pending[] = [];
    for (const item of this.waiting) {
      if (taken.length === this.options.itemsMax || (item.keyText !== "" && keys.has(item.keyText))) left.push(item);
      else {
        keys.add(item.keyText);
        taken.push(item);
      }
    }
    this.waiting = left;
    return taken;
  }

  /** Never rejects: each item has its own answer. */
  private async group(items: readonly Pending[]): Promise<void> {
    const live = items.filter(({ call, reject }) => {
      try {
        call.context.scope.check();
        return true;
      } catch (error) {
        reject(error);
        return false;
      }
    });
    if (live.length === 0) return;
    const [first] = live;
    if (live.length === 1 && first !== undefined) return this.alone(first);
    try {
      await this.attempt(live);
    } catch (error) {
      // Somebody's item failed them all; alone, each gets its own verdict, and only the guilty one its error. But where
      // the commit is uncertain, only those with a key can be run again.
      const isUncertain = storeFaults.uncertain.is(error);
      const [lost, safe] = [live.filter(({ key }) => key === undefined), live.filter(({ key }) => key !== undefined)];
      if (isUncertain) for (const item of lost) item.reject(error);
      await Promise.all((isUncertain ? safe : live).map((item) => this.alone(item, isUncertain ? error : undefined)));
    }
  }

  /** `tried` is what the item's group ended in, where that counts as its first try. */
  private async alone(item: Pending, tried?: unknown): Promise<void> {
    let before = tried;
    const attempt = async () => {
      if (before === undefined) return this.attempt([item]);
      const error = before;
      before = undefined;
      throw error;
    };
    try {
      await untilDecided(item.call.context.scope, item.key, attempt);
    } catch (error) {
      item.reject(this.forCaller(item, error));
    }
  }

  private forCaller(item: Pending, error: unknown): unknown {
    try {
      return item.call.binding.rethrow(error);
    } catch (translated) {
      return translated;
    }
  }

  /**
   * Runs the items in one transaction and settles each; throws, with nothing done and nobody settled, where that failed. Their
   * keys' look-up travels with the handler's first statement: replays are rare, and a round trip for each group is not.
   */
  private async attempt(items: readonly Pending[]): Promise<void> {
    const { binding } = (items[0] as Pending).call;
    const scope = longest(binding.runtime, items);
    const keys = items.flatMap(({ key }) => (key === undefined ? [] : [key]));
    const transaction = binding.runtime.storeFor(binding.service).beginCommands(keys, scope);
    try {
      const settle = await this.commitFresh(items, transaction, scope);
      settle();
    } catch (error) {
      await transaction.rollback();
      if (!(error instanceof AlreadyRecorded)) throw error;
      const wasRecorded = ({ key }: Pending) =>
        key !== undefined && error.records.some(({ id }) => Buffer.compare(id, key.id) === 0);
      const rest = items.filter((item) => !wasRecorded(item));
      if (rest.length === items.length) throw error;
      for (const item of items.filter(wasRecorded)) settleReplay(item, error.records);
      await this.group(rest);
    }
  }

  private async commitFresh(
    fresh: readonly Pending[],
    transaction: CommandTransaction,
    scope: Scope,
  ): Promise<() => void> {
    const { binding } = (fresh[0] as Pending).call;
    const { runtime } = binding;
    const works = fresh.map(({ call }) => new Work(call.context.origin, () => runtime.clock.now()));
    const batchItems = fresh.map(({ call }, index) => batchItem(call, works[index] as Work));
    const context = new Context(binding, scope, batchOrigin);
    context.transactionSql = transaction.sql;
    const verdicts = await this.options.batch(context as never, batchItems as never);
    if (verdicts.length !== fresh.length) {
      throw new Error(`${binding.action.id} answered ${verdicts.length} verdicts for ${fresh.length} items`);
    }
    const answers: { fault: unknown; output: unknown }[] = [];
    const commands: CommandRecord[] = [];
    for (const [index, { call, key }] of fresh.entries()) {
      const verdict: unknown = verdicts[index];
      if (isFault(verdict)) {
        if (works[index]?.events.length)
          throw new Error(`${binding.action.id} emitted an event for an item that it refused`);
        if (key !== undefined && isRecordable(binding, verdict))
          commands.push(commandRecord(call, key, { fault: faultRecord(verdict) }));
        answers.push({ fault: verdict, output: undefined });
      } else {
        const output = binding.checkOutput === null ? verdict : binding.checkOutput(verdict);
        if (isRecorded(binding, key))
          commands.push(commandRecord(call, key, { result: storedAnswer(binding, output) }));
        answers.push({ fault: undefined, output });
      }
    }
    scope.check();
    const closings = works.map((work) => work.close());
    const committed = await transaction.commit({
      events: closings.flatMap(({ events }) => events),
      jobs: closings.flatMap(({ jobs }) => jobs),
      commands,
    });
    runtime.afterCommit(binding.service, works, committed);
    return () => {
      for (const [index, item] of fresh.entries()) {
        const answer = answers[index];
        if (answer?.fault === undefined) item.resolve(answer?.output);
        else item.reject(this.forCaller(item, answer.fault));
      }
    };
  }
}

function clockOf(items: readonly Pending[]): Calls["clock"] {
  return (items[0] as Pending).call.binding.runtime.clock;
}

const batchOrigin = new Origin(systemIdentity, undefined, undefined);

function batchItem({ context, value }: ValidCall, work: Work): object {
  return {
    input: value,
    identity: context.origin.identity,
    call: context.call.bind(context),
    emit: work.emit.bind(work),
    enqueue: work.enqueue.bind(work),
    invalidate: (...tags: readonly string[]) => work.invalidate(tags),
  };
}

function settleReplay(item: Pending, records: readonly CommandRecord[]): void {
  try {
    item.resolve(replay(item.call, item.key, records));
  } catch (fault) {
    item.reject(fault);
  }
}

/** The budget of the item that has the most left: a shorter one must not cost its neighbours their answer. */
function longest(runtime: Calls, items: readonly Pending[]): Scope {
  const remainingMs = Math.max(...items.map(({ call }) => call.context.scope.remainingMs()));
  return new Scope(runtime.clock, remainingMs, (items[0] as Pending).call.binding.action.id);
}
