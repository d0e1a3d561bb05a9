import { randomUUID } from "node:crypto";
import type { Outbox } from "@banyan/kernel/store";
import { budgetOf, sendWithin } from "../budget.ts";
import { type ConnectOptions, connect, type SqlConnection } from "../connection.ts";
import { pause } from "../pause.ts";
import { type Statement, sql, statement } from "../statement.ts";

const CHANNEL = "banyan";
const EVENTS = "events";
const LISTEN: Statement = statement(`LISTEN ${CHANNEL}`);
/** A NOTIFY has a commit of its own, which need not reach the disk. */
const UNSYNCED: Statement = statement("SET synchronous_commit = off");
/** The pace that is kept under load, and how many calls may run ahead of it after a rest. */
const PACE_MS = 8;
const AHEAD = 4;
const RECONNECT_MS = 500;
const ANSWER_MS = 2_000;

/** Tells other processes that there is something to do, and hears it from them. Lossy: polling is what makes it complete. */
export interface Announcements {
  /** Costs nothing to the caller: NOTIFYs leave at a steady pace, whatever the number of commits. `eventsAlone`: no job is free by it. */
  announce(eventsAlone?: boolean): void;
  onAnnounced: Outbox["onAnnounced"];
  stop(): Promise<void>;
}

/**
 * Measured: a NOTIFY in each commit takes three quarters of the throughput, since such commits queue for one lock. One every
 * few milliseconds from a connection of its own costs nothing; at once while they are rare, so that a lone event is not late.
 */
export function createAnnouncements(options: ConnectOptions): Announcements {
  const self = randomUUID();
  const notify = (ofEventsAlone: boolean) =>
    sql`SELECT pg_notify(${CHANNEL}, ${ofEventsAlone ? `${self} ${EVENTS}` : self})`;
  const listeners = new Set<Parameters<Announcements["onAnnounced"]>[0]>();
  const stopped = new AbortController();
  let connection: SqlConnection | undefined;

  // Of all that is said, and heard, at once.
  let saysEventsAlone = true;
  let heardEventsAlone = true;
  const hear = paced(() => {
    const eventsAlone = heardEventsAlone;
    heardEventsAlone = true;
    for (const listener of listeners) listener(eventsAlone);
  });
  const hearOf = (eventsAlone: boolean): void => {
    heardEventsAlone &&= eventsAlone;
    hear();
  };
  let saying: Promise<unknown> | undefined;
  const say = paced(() => {
    // A slow NOTIFY is followed by the next one: a connection takes one batch at a time.
    if (saying !== undefined) return say();
    saying = connection?.send([notify(saysEventsAlone)]).finally(() => (saying = undefined));
    saysEventsAlone = true;
  });

  const keepListening = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const lost = Promise.withResolvers<void>();
      let session: SqlConnection | undefined;
      try {
        session = await connect(
          { ...options, name: "banyan announcements" },
          {
            onNotification: (_channel, payload) => {
              const [from, what] = payload.split(" ");
              if (from !== self) hearOf(what === EVENTS);
            },
            onLost: () => lost.resolve(),
          },
        );
        stopped.signal.addEventListener("abort", () => lost.resolve(), { once: true });
        const { failure } = await sendWithin(budgetOf(ANSWER_MS), session, [UNSYNCED, LISTEN]);
        if (failure !== undefined) throw failure;
        connection = session;
        // Whatever was announced while nobody listened here.
        hearOf(false);
        if (!stopped.signal.aborted) await lost.promise;
      } catch {
        // Not reachable now; whoever needs the database says so.
      }
      connection = undefined;
      await session?.close();
      await pause(RECONNECT_MS, stopped.signal);
    }
  };
  const listening = keepListening();

  return {
    announce(eventsAlone = false) {
      saysEventsAlone &&= eventsAlone;
      say();
    },
    onAnnounced: (listener) => void listeners.add(listener),
    stop: async () => {
      stopped.abort();
      await listening;
    },
  };
}

/** Calls at once while calls are rare, else once for all that asked since the last. */
function paced(call: () => void): () => void {
  /** When the next call would be, had all calls kept the pace. */
  let dueAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const fire = (): void => {
    timer = undefined;
    dueAt = Math.max(dueAt, performance.now()) + PACE_MS;
    call();
  };
  return () => {
    if (timer !== undefined) return;
    const waitMs = dueAt - AHEAD * PACE_MS - performance.now();
    if (waitMs <= 0) fire();
    else timer = setTimeout(fire, waitMs).unref();
  };
}
