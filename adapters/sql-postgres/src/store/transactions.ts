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
  storeFaults,
  type Transaction,
} from "@banyan/kernel/store";
import type { StatementResult } from "../batch.ts";
import { isUniqueViolation, SqlError } from "../failure.ts";
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
    open: async () => commandRecords((await lane.open())[0]),
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
  const lane = new Lane(store.pool, budget, { statements: [enterInbox(subscriber, eventIds)] });
  const open = async (): Promise<ReadonlySet<string>> => {
    const [entered] = await lane.open();
    return new Set((entered?.rows ?? []).map((row) => row.event as string));
  };
  return {
    sql: lane.sql,
    open,
    commit: async (closing) => {
      // Nobody asked which of the events are new: only all of them can have been meant.
      if (!lane.opened && (await open()).size < eventIds.length) {
        await lane.rollback();
        throw storeFaults.contended();
      }
      return commit(store, lane, { closing, before: [], after: [] });
    },
    rollback: () => lane.rollback(),
  };
}

function enterInbox(subscriber: string, eventIds: readonly string[]): Statement {
  return sql`WITH gate AS MATERIALIZED (SELECT banyan.enter_gate(${subscriber}))
    INSERT INTO banyan.inbox (subscriber, event)
    SELECT ${subscriber}, given.event FROM gate, unnest(${eventIds}::uuid[]) AS given (event) ORDER BY given.event
    ON CONFLICT DO NOTHING RETURNING event`;
}

export function beginJob(store: Runner, job: ClaimedJob, budget: Budget): Transaction {
  const lane = new Lane(store.pool, budget);
  return {
    sql: lane.sql,
    commit: async (closing) => {
      try {
        // Completed first: the job's own dedupe key is free for what it enqueues.
        const complete = sql`SELECT banyan.complete_job(${job.id}, ${job.token})`;
        return await commit(store, lane, { closing, before: [complete], after: [] });
      } catch (error) {
        throw error instanceof SqlError && error.code === "BY001"
          ? storeFaults.stale(undefined, { cause: error })
          : error;
      }
    },
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
