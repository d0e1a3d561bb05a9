import {
  AlreadyRecorded,
  type Budget,
  type ClaimedJob,
  type Closing,
  type CommandKey,
  type CommandRecord,
  type CommandTransaction,
  type Committed,
  type DeliveryTransaction,
  type Transaction,
} from "@banyan/kernel/store";
import type { StatementResult } from "../batch.ts";
import { sendWithin } from "../budget.ts";
import { isUniqueViolation } from "../failure.ts";
import { type Statement, sql } from "../statement.ts";
import { Lane } from "./lane.ts";
import {
  COMMAND_KEY,
  commandRecords,
  insertCommands,
  insertEvents,
  insertJobs,
  lookUp,
  selectCommands,
  versioned,
} from "./rows.ts";
import type { Runner } from "./runner.ts";
import type { SilentCommand, SilentCommands } from "./silent-commands.ts";

/** `silent` stores the commands that sent no statement. */
export interface CommandStore extends Runner {
  readonly silent: SilentCommands;
}

export function beginCommands(store: CommandStore, keys: readonly CommandKey[], budget: Budget): CommandTransaction {
  const refusal = ([found]: readonly StatementResult[]): Error | undefined =>
    found !== undefined && found.count > 0 ? new AlreadyRecorded(commandRecords(found)) : undefined;
  const lane = new Lane(store.pool, budget, { statements: lookUp(keys), refusal });
  return {
    sql: lane.sql,
    open: async () => commandRecords((await lane.open(lookUp(keys)))[0]),
    commit: ({ commands, ...closing }) => {
      if (lane.endSilently()) return store.silent.commit({ closing, commands, budget });
      return orRecorded(store, commands, () => commit(store, lane, { closing, before: [], after: recorded(commands) }));
    },
    rollback: () => lane.rollback(),
    refuse: (commands) =>
      orRecorded(store, commands, async () => void (await lane.rollbackAnd([insertCommands(commands)]))),
  };
}

/** Stores commands that sent no statement. One Sync is one transaction, without BEGIN and COMMIT. */
export function commitSilently(
  store: Runner,
  commands: readonly SilentCommand[],
): Promise<ReadonlyMap<SilentCommand, Committed>> {
  // The budget of the one that has the most left: a shorter one must not cost its neighbours their answer.
  const budget = commands.map((one) => one.budget).reduce((a, b) => (a.remainingMs() < b.remainingMs() ? b : a));
  return orRecorded(
    store,
    commands.flatMap((one) => one.commands),
    async () => {
      const connection = await store.pool.acquire(budget);
      try {
        const live = commands.filter((one) => one.budget.remainingMs() > 0);
        const closing = {
          events: live.flatMap((one) => one.closing.events),
          jobs: live.flatMap((one) => one.closing.jobs),
        };
        const ending = { closing, before: [], after: recorded(live.flatMap((one) => one.commands)) };
        const { results, failure } = await sendWithin(budget, connection, statementsOf(ending));
        if (failure !== undefined) throw failure;
        return apportion(live, committed(store, closing, results.at(-1)));
      } finally {
        store.pool.release(connection);
      }
    },
  );
}

/** Gives each command its own of the events that were stored together. */
function apportion(commands: readonly SilentCommand[], { events }: Committed): Map<SilentCommand, Committed> {
  const shares = new Map<SilentCommand, Committed>();
  let from = 0;
  for (const command of commands) {
    const to = from + command.closing.events.length;
    shares.set(command, { events: events.slice(from, to) });
    from = to;
  }
  return shares;
}

function recorded(commands: readonly CommandRecord[]): readonly Statement[] {
  return commands.length > 0 ? [insertCommands(commands)] : [];
}

/** The unique index is the judge: whoever loses to it reads the winner's record. */
async function orRecorded<T>(store: Runner, commands: readonly CommandRecord[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUniqueViolation(error, COMMAND_KEY)) throw error;
    const found = await store.run(selectCommands(commands.map(({ id }) => id)));
    throw new AlreadyRecorded(commandRecords(found));
  }
}

export function beginDelivery(
  store: Runner,
  { subscriber, eventIds }: { readonly subscriber: string; readonly eventIds: readonly string[] },
  budget: Budget,
): DeliveryTransaction {
  // Unless `open` asks which events are new, all of them must be: one that is not makes the server skip what follows.
  const enter = enterInbox(subscriber, eventIds);
  const lane = new Lane(store.pool, budget, { statements: [enter] });
  return {
    sql: lane.sql,
    async open() {
      const [entered] = await lane.open([enterNew(subscriber, eventIds)]);
      return new Set((entered?.rows ?? []).map((row) => row.event as string));
    },
    commit: (closing) => commit(store, lane, { closing, before: lane.opened ? [] : [enter], after: [] }),
    rollback: () => lane.rollback(),
  };
}

/** In the order of the ids, so that deliveries of the same events wait for each other and do not deadlock. */
function enterInbox(subscriber: string, eventIds: readonly string[]): Statement {
  return sql`WITH gate AS MATERIALIZED (SELECT banyan.enter_gate(${subscriber}))
    INSERT INTO banyan.inbox (subscriber, event)
    SELECT ${subscriber}, given.event FROM gate, unnest(${eventIds}::uuid[]) AS given (event) ORDER BY given.event`;
}

function enterNew(subscriber: string, eventIds: readonly string[]): Statement {
  return sql`WITH gate AS MATERIALIZED (SELECT banyan.enter_gate(${subscriber}))
    INSERT INTO banyan.inbox (subscriber, event)
    SELECT ${subscriber}, given.event FROM gate, unnest(${eventIds}::uuid[]) AS given (event) ORDER BY given.event
    ON CONFLICT DO NOTHING RETURNING event`;
}

export function beginJob(store: Runner, job: ClaimedJob, budget: Budget): Transaction {
  const lane = new Lane(store.pool, budget);
  return {
    sql: lane.sql,
    // Completed first: the job's own dedupe key is free for what it enqueues.
    commit: (closing) =>
      commit(store, lane, { closing, before: [sql`SELECT banyan.complete_job(${job.id}, ${job.token})`], after: [] }),
    rollback: () => lane.rollback(),
  };
}

interface Ending {
  readonly closing: Closing;
  readonly before: readonly Statement[];
  readonly after: readonly Statement[];
}

export async function commit(store: Runner, lane: Lane, ending: Ending): Promise<Committed> {
  const statements = statementsOf(ending);
  const results = await lane.commit(statements);
  return committed(store, ending.closing, results[statements.length - 1]);
}

/** Events come last: the locks of their keys are held for the commit alone. */
function statementsOf({ closing: { events, jobs }, before, after }: Ending): readonly Statement[] {
  return [
    ...before,
    ...(jobs.length > 0 ? [insertJobs(jobs)] : []),
    ...after,
    ...(events.length > 0 ? [insertEvents(events)] : []),
  ];
}

function committed(store: Runner, { events, jobs }: Closing, last: StatementResult | undefined): Committed {
  if (events.length > 0 || jobs.length > 0) store.announce();
  return { events: events.length > 0 ? versioned(events, last) : [] };
}
