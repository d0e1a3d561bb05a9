import type { ClaimedJob } from "@banyan/kernel/jobs";
import {
  AlreadyRecorded,
  type Budget,
  type Closing,
  type CommandKey,
  type CommandRecord,
  type CommandTransaction,
  type Committed,
  type DeliveryTransaction,
  type Transaction,
} from "@banyan/kernel/store";
import type { RunClaim } from "@banyan/kernel/workflows";
import type { StatementResult } from "../batch.ts";
import { sendWithin } from "../budget.ts";
import { isUniqueViolation } from "../failure.ts";
import { type Statement, sql } from "../statement.ts";
import { jobStatements } from "./jobs.ts";
import { Lane } from "./lane.ts";
import { type Emission, type Emitted, emissionOf } from "./outbox/emission.ts";
import { COMMAND_KEY, commandRecords, insertCommands, lookUp, selectCommands } from "./rows.ts";
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
      if (lane.endSilently()) return store.silent.commit({ closing, commands, completes: [], budget });
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
        const ending = endingOf({
          closing,
          before: completed(live.flatMap((one) => one.completes)),
          after: recorded(live.flatMap((one) => one.commands)),
        });
        const { results, failure } = await sendWithin(budget, connection, ending.statements);
        if (failure !== undefined) throw failure;
        return apportion(live, committed(store, ending, results));
      } finally {
        store.pool.release(connection);
      }
    },
  );
}

/** Gives each command its own of the events that were stored together. */
function apportion(commands: readonly SilentCommand[], { events, ...rest }: Committed): Map<SilentCommand, Committed> {
  const shares = new Map<SilentCommand, Committed>();
  let from = 0;
  for (const command of commands) {
    const to = from + command.closing.events.length;
    shares.set(command, { events: events.slice(from, to), ...rest });
    from = to;
  }
  return shares;
}

function recorded(commands: readonly CommandRecord[]): readonly Statement[] {
  if (commands.length === 0) return [];
  const runs = commands.flatMap(({ under }) => under ?? []);
  return runs.length > 0 ? [holdRuns(runs), insertCommands(commands)] : [insertCommands(commands)];
}

function holdRuns(runs: readonly RunClaim[]): Statement {
  const [ids, tokens] = [runs.map(({ id }) => id), runs.map(({ token }) => token)];
  return sql`SELECT banyan.hold_runs(${ids}::text[], ${tokens}::bigint[])`;
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
  const lane = new Lane(store.pool, budget, { statements: [enterInbox(subscriber, eventIds)] });
  return {
    sql: lane.sql,
    async open() {
      const [entered] = await lane.open([enterNew(subscriber, eventIds)]);
      return new Set((entered?.rows ?? []).map((row) => row.event as string));
    },
    commit: (closing) => commit(store, lane, { closing, before: [], after: [] }),
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

export function beginJob(store: CommandStore, job: ClaimedJob, budget: Budget): Transaction {
  const lane = new Lane(store.pool, budget);
  return {
    sql: lane.sql,
    commit: (closing) => {
      const completes = [job];
      if (lane.endSilently()) return store.silent.commit({ closing, commands: [], completes, budget });
      return commit(store, lane, { closing, before: completed(completes), after: [] });
    },
    rollback: () => lane.rollback(),
  };
}

/** Comes first: a job's own dedupe key is free for what it enqueues. In the order in which all lock them: see `renew` of the queue. */
function completed(jobs: readonly ClaimedJob[]): readonly Statement[] {
  if (jobs.length === 0) return [];
  const inOrder = jobs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const [ids, tokens] = [inOrder.map(({ id }) => id), inOrder.map(({ token }) => token)];
  return [sql`SELECT banyan.complete_jobs(${ids}::text[], ${tokens}::bigint[]) AS released`];
}

/** What is said last, with what goes before it and after. */
interface Said {
  readonly closing: Closing;
  readonly before: readonly Statement[];
  readonly after: readonly Statement[];
}

interface Ending {
  readonly statements: readonly Statement[];
  readonly emission: Emission | undefined;
  /** Some are free before whoever waits for jobs looks by itself, which is every two seconds. */
  readonly hasJobsSoon: boolean;
}

const soonMs = 10_000;

export async function commit(store: Runner, lane: Lane, said: Said): Promise<Committed> {
  const ending = endingOf(said);
  const results = await lane.commit(ending.statements);
  // A COMMIT that it had to add says nothing.
  return committed(store, ending, results.slice(0, ending.statements.length));
}

/** Events come last: the locks of their keys are held for the commit alone. */
function endingOf({ closing: { events, jobs }, before, after }: Said): Ending {
  const emission = events.length > 0 ? emissionOf(events) : undefined;
  const statements = [...before, ...jobStatements(jobs), ...after];
  if (emission !== undefined) statements.push(emission.statement);
  return { statements, emission, hasJobsSoon: jobs.some(({ delayMs }) => delayMs < soonMs) };
}

function committed(store: Runner, { emission, hasJobsSoon }: Ending, results: readonly StatementResult[]): Committed {
  const released = (results[0]?.rows[0]?.released as number | undefined) ?? 0;
  const eventsAlone = !hasJobsSoon && released === 0;
  const { events, services } = emission?.stored(results.at(-1) as StatementResult) ?? nothingStored;
  // What waits for nobody but who is led here is brought from memory: a NOTIFY is a commit of its own.
  if (!eventsAlone || !services.every(store.leads)) store.announce(eventsAlone);
  return released > 0 ? { events, releasedJobs: released } : { events };
}

const nothingStored: Emitted = { events: [], services: [] };
