import { implement, onMany } from "@banyan/kernel";
import { intake } from "@banyan/user-events-intake/contract";
import { keepActs } from "./acts/keep-acts.ts";
import { readStored, readStoredHeads } from "./acts/read-stored.ts";
import { events } from "./contract.ts";
import { eventDocuments } from "./event-store.ts";
import { listSessions, readFunnel, readRetention, readRollups } from "./insights/read-insights.ts";
import { readLive } from "./operating/read-live.ts";
import { setLagAlert, tellLag, watchLag } from "./operating/watch-lag.ts";
import { erasePerson, findTraces, readHistory, readPerson } from "./people/people.ts";
import { listBadRows, listEvents, listMessages } from "./read-events.ts";
import { readLag, readProgress, readTally, readTotals, verifyEvents } from "./read-progress.ts";
import { redriveBadRow, retryBadRow } from "./redrive.ts";
import { storeAccepted } from "./store-accepted.ts";

/** Storing and reading events, on the service's own tables and documents. */
export const eventsService = implement(events, {
  migrations: new URL("../sql/", import.meta.url),
  collections: [eventDocuments],
  commands: { redrive: redriveBadRow, alertAtLag: setLagAlert, erase: erasePerson },
  queries: {
    list: listEvents,
    messages: listMessages,
    badRows: listBadRows,
    tally: readTally,
    progress: readProgress,
    lag: readLag,
    live: readLive,
    totals: readTotals,
    verify: verifyEvents,
    storedHeads: readStoredHeads,
    stored: readStored,
    person: readPerson,
    history: readHistory,
    traces: findTraces,
    sessions: listSessions,
    funnel: readFunnel,
    retention: readRetention,
    rollups: readRollups,
  },
  subscriptions: { storeAccepted: onMany(intake.accepted, storeAccepted) },
  jobs: { retry: retryBadRow, keepActs, watchLag, tellLag },
});
