import { budgetOf, sendWithin } from "../budget.ts";
import { type ConnectOptions, connect, type SqlConnection } from "../connection.ts";
import { pause } from "../pause.ts";
import { type Statement, sql } from "../statement.ts";

/** The lock of whoever delivers to a service: 64 bits of a hash, so that two services do not share one. */
const leadOf = (service: string): Statement =>
  sql`SELECT pg_try_advisory_lock(hashtextextended(${`banyan lead ${service}`}, 0)) AS leads`;
const BEAT: Statement = sql`SELECT 1`;
const RETRY_MS = 500;
const BEAT_MS = 2_000;
const ANSWER_MS = 2_000;

export interface Lead {
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** The leads that this process asks for and has. */
export interface Leads {
  /**
   * Resolves when this process holds the lead of the service: an advisory lock of a session, which ends with the process, however it ends.
   * Tried every half second, not waited for at the server, where a waiting statement's snapshot would hold vacuum back.
   * Rejects with the signal's reason when that aborts first.
   */
  lead(service: string, signal: AbortSignal): Promise<Lead>;
  /** Whether it holds this lead, as far as it knows. */
  holds(service: string): boolean;
}

export function createLeads(options: ConnectOptions): Leads {
  const held = new Set<string>();
  return {
    holds: (service) => held.has(service),
    async lead(service, signal) {
      for (;;) {
        signal.throwIfAborted();
        const found = await tryToLead(options, service);
        if (found?.lost.aborted === false) {
          held.add(service);
          found.lost.addEventListener("abort", () => held.delete(service), { once: true });
          return found;
        }
        await pause(RETRY_MS * (0.75 + Math.random() / 2), signal);
      }
    },
  };
}

/** Undefined where another has the lead, or the server does not answer. */
export async function tryToLead(options: ConnectOptions, service: string): Promise<Lead | undefined> {
  const lost = new AbortController();
  const onLost = () => lost.abort(new Error("the session that held the lead was lost"));
  const connection = await tryToLock(options, service, onLost);
  if (connection === undefined) return undefined;
  void beat(connection, lost);
  return {
    lost: lost.signal,
    release: async () => {
      lost.abort(new Error("the lead was given back"));
      await connection.close();
    },
  };
}

async function tryToLock(
  options: ConnectOptions,
  service: string,
  onLost: () => void,
): Promise<SqlConnection | undefined> {
  let connection: SqlConnection | undefined;
  try {
    connection = await connect({ ...options, name: "banyan lead" }, { onLost });
    const { results } = await sendWithin(budgetOf(ANSWER_MS), connection, [leadOf(service)]);
    if (results[0]?.rows[0]?.leads === true) return connection;
  } catch {
    // The server is away: so is every other leader.
  }
  await connection?.close();
  return undefined;
}

/** A server that was cut off from us has given the lead to another; our socket alone would not tell for minutes. */
async function beat(connection: SqlConnection, lost: AbortController): Promise<void> {
  for (;;) {
    await pause(BEAT_MS, lost.signal);
    if (lost.signal.aborted) return;
    const { failure } = await sendWithin(budgetOf(ANSWER_MS), connection, [BEAT]);
    if (failure !== undefined && !lost.signal.aborted) {
      lost.abort(failure);
      await connection.close();
    }
  }
}
