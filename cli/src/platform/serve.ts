import { hash } from "node:crypto";
import { relative } from "node:path";
import type { Identity } from "@banyan/kernel";
import type { App } from "@banyan/kernel/app";
import { pino } from "pino";
import { operate } from "../control/operate.ts";
import { openControlServer } from "../control/server.ts";
import type { Steps } from "../output/steps.ts";
import { freePort } from "../process/free-port.ts";
import type { LoadedConfig } from "../project/config.ts";
import {
  type DevelopmentKey,
  developmentKey,
  forgetServer,
  recordServer,
  runningServer,
  type ServerRecord,
} from "../project/data-folder.ts";
import type { Environment } from "../project/environment.ts";
import { TraceLog } from "../watch/trace-log.ts";
import { openApplication, type Surroundings } from "./application.ts";

/** What the start-up table tells. */
export interface Served {
  readonly config: LoadedConfig;
  readonly url: string;
  readonly key: DevelopmentKey;
  /** Relative to the current folder. */
  readonly keyFile: string;
  readonly steps: Steps;
  /** What turned out otherwise than asked. */
  readonly notes: readonly string[];
}

/** Whoever has the development key. */
const developer: Identity = { subject: "development", tenant: "default", permissions: new Set(["*"]) };
/** For requests in flight. The application and the database drain after it, and supervisors wait 10 s (Docker) before they kill. */
const drainMs = 4_000;
const portsAfter = 20;
/** Seeding is many commands one after another. */
const demoDeadlineMs = 30_000;

/** Starts everything: the application, its demo in an empty store, the gateway, and the socket for operators. */
export async function serve(surroundings: Surroundings): Promise<Served> {
  const { config, environment, folder, steps, openings, signal } = surroundings;
  const notes: string[] = [];
  const key = developmentKey(folder, environment.BANYAN_API_KEY);
  const [{ app, databaseUrl }, { createApiKeyAuthenticator, createGateway }] = await Promise.all([
    openApplication(surroundings),
    import("@banyan/gateway"),
  ]);
  await exportTraces(app, surroundings);
  await playDemo(app, notes, surroundings);
  signal.throwIfAborted();
  const host = environment.HOST ?? config.host;
  const asked = environment.PORT ?? config.port;
  const gateway = createGateway({
    app,
    authenticator: createApiKeyAuthenticator([{ hash: hash("sha256", key.key), identity: developer }]),
    title: config.title,
    version: config.version,
    host,
    port: await freePort(asked, host),
    // For who takes the port between the question and the answer.
    portsAfter,
    log: pino({ level: logLevel(environment) }, pino.destination({ fd: 2, sync: true })),
  });
  openings.defer("gateway", () => gateway.close({ deadlineMs: drainMs }));
  const { url, port } = await steps.run(
    "gateway",
    () => gateway.listen(),
    (address) => address.url,
  );
  if (asked !== 0 && port !== asked) notes.push(`Port ${asked} is taken, so the gateway listens on ${port}.`);
  await openControl({ app, key: key.key, url, databaseUrl }, notes, surroundings);
  signal.throwIfAborted();
  return { config, url, key, keyFile: relative(process.cwd(), folder.keyFile), steps, notes };
}

/** Loaded only where it is wanted: OpenTelemetry's SDK takes 250 ms to load. */
async function exportTraces(app: App, { config, environment, openings }: Surroundings): Promise<void> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: name } = environment;
  if (endpoint === undefined) return;
  const otlp = await import("@banyan/trace-otlp");
  const url = `${endpoint.replace(/\/$/, "")}/v1/traces`;
  const traces = otlp.exportTraces(app, { url, serviceName: name ?? config.title });
  openings.defer("traces", () => traces.close());
}

async function playDemo(app: App, notes: string[], { config, steps }: Surroundings): Promise<void> {
  const { demo } = config;
  if (demo === undefined) return;
  const startedAt = performance.now();
  const play = () =>
    demo((action, input, options) => app.call(action, input, { deadlineMs: demoDeadlineMs, ...options }));
  const did = await steps.watch("the demo", play).catch((error: Error) => {
    // A store without its demo serves as well as any other.
    notes.push(`The demo was not played to its end: ${error.message}.`);
    return undefined;
  });
  if (did !== undefined) steps.done.push({ name: "demo", detail: did, tookMs: performance.now() - startedAt });
}

/** At "info" each refused request is a line: for whoever keeps logs, and noise in the terminal of whoever develops. */
function logLevel({ LOG_LEVEL, NODE_ENV }: Environment): string {
  return LOG_LEVEL ?? (NODE_ENV === "production" ? "info" : "warn");
}

async function openControl(
  { app, ...found }: { readonly app: App } & Pick<ServerRecord, "key" | "url" | "databaseUrl">,
  notes: string[],
  { config, folder, openings }: Surroundings,
): Promise<void> {
  const other = await runningServer(folder);
  if (other !== undefined) {
    notes.push(`Another server (pid ${other.pid}, ${other.url}) runs on this data folder; they share the database.`);
    notes.push("Commands such as `banyan tail` talk to that one.");
    return;
  }
  const traces = new TraceLog(app);
  openings.defer("trace log", async () => traces.stop());
  const control = await openControlServer(folder.path, (request, flow) =>
    operate({ app, checks: config.checks, traces }, request, flow),
  );
  openings.defer("control socket", () => control.close());
  const startedAt = new Date().toISOString();
  recordServer(folder, { pid: process.pid, title: config.title, ...found, socket: control.socketPath, startedAt });
  openings.defer("server record", async () => forgetServer(folder));
}
