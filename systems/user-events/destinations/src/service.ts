import { implement, type Service } from "@banyan/kernel";
import type { Log } from "@banyan/kernel/log";
import { type Resolve, systemResolve } from "@banyan/webhooks";
import { destinations } from "./contract.ts";
import { keep } from "./keep.ts";
import { createDestination, createReplay, noteLines, notePage, pauseDestination, resumeDestination } from "./manage.ts";
import { listDeadLetters, listDestinations, readDelivered, readPlan } from "./read.ts";
import { send } from "./send.ts";
import type { Uses } from "./uses.ts";

/** Where events may go on to. By default to public webhooks alone. */
export interface DestinationsOptions {
  /** Where files go, `<folder>/<tenant>/<destination>/2026-11-22.ndjson`; of the process that this service is in. */
  readonly folder?: string;
  /** By the name that a destination gives: `{ lake: createKafkaLog({ brokers }) }`. Opened and closed with the service. */
  readonly logs?: Readonly<Record<string, Log>>;
  /** Hosts, with or without port, that may be called wherever they lie, also without TLS: `["127.0.0.1:4000"]`. */
  readonly allowedHosts?: readonly string[];
  /** Default: the operating system's. */
  readonly resolve?: Resolve;
}

const closeDeadlineMs = 5_000;

/** Sending stored events on, on the service's own tables. */
export function createDestinationsService({
  folder,
  logs = {},
  allowedHosts = [],
  resolve = systemResolve,
}: DestinationsOptions = {}): Service {
  const uses: Uses = { network: { allowed: new Set(allowedHosts), resolve }, folder, logs };
  return implement(destinations, {
    uses,
    migrations: new URL("../sql/", import.meta.url),
    start: async (signal) => {
      for (const log of Object.values(logs)) await log.open({ signal });
    },
    stop: async () => {
      for (const log of Object.values(logs)) await log.close({ deadlineMs: closeDeadlineMs });
    },
    commands: {
      create: createDestination,
      pause: pauseDestination,
      resume: resumeDestination,
      replay: createReplay,
      note: notePage,
      written: noteLines,
    },
    queries: { list: listDestinations, deadLetters: listDeadLetters, plan: readPlan, delivered: readDelivered },
    jobs: { send, keep },
  });
}
