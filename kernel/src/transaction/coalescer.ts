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
import type { Gatherer, Turns } from "./turns.ts";
import { Work } from "./work.ts";

interface Pending {
  readonly call: ValidCall;
  readonly key: CommandKey | undefined;
  readonly keyText: string;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const waitingMax = 10_000;

/**
 * Runs a batched command: collects calls until their turn (see Turns), and commits each group as one transaction. Holds C1 to
 * C5 of command.ts for every item. Two calls with one idempotency key never share a group; the later finds the record.
 *
 * One group at a time: of two, each is half as large, and they wait for each other's rows. Where the handler allows for more, full ones go
 * beside each other, without a turn.
 */
export class Coalescer implements Gatherer {
  private readonly options: Batched<never, unknown>;
  private readonly turns: Turns;
  private waiting: Pending[] = [];
  private running = 0;

  constructor(options: Batched<never, unknown>, turns: Turns) {
    this.options = options;
    this.turns = turns;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  get isFull(): boolean {
    return this.waiting.length >= this.options.itemsMax;
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
      this.offer();
    });
  }

  private offer(): void {
    if (this.waiting.length === 0) return;
    if (this.running === 0) this.turns.ask(this);
    else if (this.isFull && this.running < this.options.groupsMax) void this.storeGroup();
  }

  async storeGroup(): Promise<number> {
    this.running++;
    const group = this.take();
    this.offer();
    await this.group(group);
    this.running--;
    this.offer();
    return group.length;
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
