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

export function beginCommands(store: Runner, keys: readonly CommandKey[], budget: Budget): CommandTransaction {
  const recorded = ([found]: readonly StatementResult[]): Error | undefined =>
    found !== undefined && found.count > 0 ? new AlreadyRecorded(commandRecords(found)) : undefined;
  const lane = new Lane(store.pool, budget, { statements: lookUp(keys), refusal: recorded });
  return {
    sql: lane.sql,
    open: async () => commandRecords((await lane.open(lookUp(keys)))[0]),
    commit: ({ commands, ...closing }) =>
      orRecorded(store, commands, () => {
        const records = commands.length > 0 ? [insertCommands(commands)] : [];
        return commit(store, lane, { closing, before: [], after: records });
      }),
    rollback: () => lane.rollback(),
    refuse: (commands) =>
      orRecorded(store, commands, async () => void (await lane.rollbackAnd([insertCommands(commands)]))),
  };
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

/** Events come late in the batch: the locks of their keys are held for the commit alone. */
export async function commit(store: Runner, lane: Lane, { closing, before, after }: Ending): Promise<Committed> {
  const { events, jobs } = closing;
  const statements = [
    ...before,
    ...(jobs.length > 0 ? [insertJobs(jobs)] : []),
    ...after,
    ...(events.length > 0 ? [insertEvents(events)] : []),
  ];
  const results = await lane.commit(statements);
  if (events.length > 0 || jobs.length > 0) store.announce();
  return { events: events.length > 0 ? versioned(events, results[statements.length - 1]) : [] };
}
