import { isFault } from "@banyan/kernel";
import { type App, type AppOptions, createApp, type Middleware } from "@banyan/kernel/app";
import type { Bus } from "@banyan/kernel/bus";
import { withRuns, workflowRuns } from "@banyan/kernel/workflows";
import { CommandFailure, usageFailure } from "../failure.ts";
import type { Step, Steps } from "../output/steps.ts";
import type { Openings } from "../process/openings.ts";
import type { LoadedConfig } from "../project/config.ts";
import type { DataFolder } from "../project/data-folder.ts";
import { type Environment, ofVariable } from "../project/environment.ts";
import type { Database } from "./database.ts";
import { documentsOf } from "./documents.ts";
import { kvOf } from "./kv.ts";
import { logOf } from "./log.ts";
import { ticketsOf } from "./tickets.ts";

export interface Surroundings {
  readonly config: LoadedConfig;
  readonly environment: Environment;
  /** On its way since before the configuration was loaded. */
  readonly database: Promise<Database>;
  readonly folder: DataFolder;
  readonly steps: Steps;
  readonly openings: Openings;
  /** Gives the start up. */
  readonly signal: AbortSignal;
}

/** Bound together, with its database there, and not started. `openings` closes it. */
interface Application {
  readonly app: App;
  readonly databaseUrl: string;
  /** Migrates and starts the services. */
  start(): Promise<void>;
}

const drainMs = 4_000;

/** The part of an application that one process of a split topology has. */
export interface Part {
  /** Names; the others are reached by the bus. */
  readonly services: readonly string[];
  readonly bus: Bus;
  readonly nodeName: string;
  readonly middleware: readonly Middleware[];
}

/** Makes the application of every service of the configuration, or of those of a part. */
export async function makeApplication(surroundings: Surroundings, part?: Part): Promise<Application> {
  const { config, database, environment, openings, signal } = surroundings;
  const [{ url, publicUrl }, { createPostgresStore }] = await Promise.all([database, import("@banyan/sql-postgres")]);
  signal.throwIfAborted();
  const here = config.services.filter(({ contract }) => part?.services.includes(contract.name) ?? true);
  const log = here.length > 0 ? await ofVariable("BANYAN_LOG", () => logOf(environment)) : undefined;
  const keepsDocuments = here.some(({ collections }) => collections.length > 0);
  const options: AppOptions = {
    services: here,
    ...(here.length > 0 && { store: createPostgresStore({ url, retention: config.retention }) }),
    ...(keepsDocuments && { documents: await ofVariable("BANYAN_DOCUMENTS", () => documentsOf(environment, url)) }),
    ...(here.some(({ usesKv }) => usesKv) && { kv: await ofVariable("BANYAN_KV", () => kvOf(environment, url)) }),
    ...(log !== undefined && { log }),
    ...(here.length > 0 && { jobs: { tickets: await ticketsOf(environment) } }),
    ...(part !== undefined && {
      bus: part.bus,
      nodeName: part.nodeName,
      middleware: part.middleware,
      remotes: config.services,
    }),
    validateOutput: environment.NODE_ENV !== "production",
  };
  const app = assembled(() => createApp(options));
  openings.defer("services", () => app.stop({ deadlineMs: drainMs }));
  return { app, databaseUrl: publicUrl, start: () => start(app, surroundings) };
}

/** The same, started. */
export async function openApplication(surroundings: Surroundings, part?: Part): Promise<Omit<Application, "start">> {
  const { start, ...application } = await makeApplication(surroundings, part);
  await start();
  return application;
}

async function start(app: App, { config, environment, steps, signal }: Surroundings): Promise<void> {
  const startedAt = performance.now();
  const started: Step[] = [];
  const onStarted = (name: string, tookMs: number) => started.push({ name, detail: offerOf(config, name), tookMs });
  await steps
    .watch("the services", () => app.start(onStarted))
    .catch((cause: Error) => {
      const advice = adviceOn(cause, environment);
      throw new CommandFailure(`The services did not start: ${textOf(cause)}`, advice, { cause });
    });
  const servicesMs = started.reduce((sum, { tookMs }) => sum + tookMs, 0);
  const storeMs = performance.now() - startedAt - servicesMs;
  if (started.length > 0) steps.done.push({ name: "store", detail: "migrated", tookMs: storeMs }, ...started);
  signal.throwIfAborted();
}

/** "5 commands, 7 queries, 2 events" */
function offerOf({ services }: LoadedConfig, name: string): string {
  const contract = withRuns(services, workflowRuns).find((one) => one.contract.name === name)?.contract;
  if (contract === undefined) return "";
  const counts = [
    [Object.keys(contract.commands).length, "command", "commands"],
    [Object.keys(contract.queries).length, "query", "queries"],
    [Object.keys(contract.events).length, "event", "events"],
    [Object.keys(contract.jobs).length, "job", "jobs"],
    [Object.keys(contract.workflows).length, "workflow", "workflows"],
  ] as const;
  return counts
    .flatMap(([count, one, many]) => (count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]))
    .join(", ");
}

/** What `make` makes of the project's contracts and services; what it throws, it says of them. */
export function assembled<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw usageFailure((error as Error).message, "Correct the contract or the service that is named, and start again.");
  }
}

/** By whose faults these are. */
const variables = {
  log: "BANYAN_LOG",
  bus: "BANYAN_BUS",
  kv: "BANYAN_KV",
  documents: "BANYAN_DOCUMENTS",
  store: "DATABASE_URL",
} as const;

/** Emptying the data folder is advised only where nothing but what lies there can be wrong. */
function adviceOn(error: unknown, environment: Environment): string {
  const [owner, name] =
    Object.entries(variables).find(([prefix]) => isFault(error) && error.code.startsWith(`${prefix}.`)) ?? [];
  if (name !== undefined && environment[name] !== undefined) {
    const without = owner === "log" ? " Without it events stay within the database." : "";
    return `${name} names it: correct the address, or start what is there.${without}`;
  }
  const isElsewhere = environment.DATABASE_URL !== undefined || environment.BANYAN_QUEUE !== undefined;
  const afresh = isElsewhere ? "" : " Where no data is worth keeping, `npx banyan reset` starts afresh.";
  return `\`npx banyan doctor\` checks this machine.${afresh}`;
}

/** Their message is enough; of others it takes the stack. */
const tellable: ReadonlySet<string> = new Set(["Error", "Fault", "SqlError"]);

function textOf(error: Error): string {
  const why = error.cause instanceof Error ? error.cause.message : "";
  const cause = error.message.includes(why) ? "" : `\n  because: ${why}`;
  return tellable.has(error.name) ? `${error.message}${cause}` : (error.stack ?? error.message);
}
