import { hash } from "node:crypto";
import type { GatewayOptions } from "@banyan/gateway";
import type { Identity } from "@banyan/kernel";
import type { App } from "@banyan/kernel/app";
import { pino } from "pino";
import { freePort } from "../process/free-port.ts";
import type { Environment } from "../project/environment.ts";
import { assembled, type Surroundings } from "./application.ts";

/** Whoever has the development key. */
const developer: Identity = { subject: "development", tenant: "default", permissions: new Set(["*"]) };
/** For requests in flight. The application and the database drain after it, and supervisors wait 10 s (Docker) before they kill. */
const drainMs = 4_000;
const portsAfter = 20;

/** A gateway whose routes are made, and whose port is still closed. */
interface MadeGateway {
  open(): Promise<Opened>;
}

/** An open port; `note` says which, where it is another than the one that was asked for. */
interface Opened {
  readonly url: string;
  readonly note: string | undefined;
}

/** Makes the gateway, which opens on the port that was asked for, or the next free one. The application need not have started. */
export async function makeGateway(app: App, key: string, surroundings: Surroundings): Promise<MadeGateway> {
  const { config, environment } = surroundings;
  const { createApiKeyAuthenticator, firstOf } = await import("@banyan/gateway");
  const own = createApiKeyAuthenticator([
    { hash: hash("sha256", key), identity: developer },
    ...people(environment).map(([subject, theirs]) => {
      return { hash: hash("sha256", theirs), identity: { ...developer, subject } };
    }),
  ]);
  const others = await config.authenticators?.((action, input, options) => app.call(action, input, options));
  const { NODE_ENV, BANYAN_LOG } = environment;
  return make("gateway", surroundings, {
    app,
    authenticator: others === undefined ? own : firstOf([own, ...others]),
    corsOrigins: config.corsOrigins,
    gauges: config.gauges,
    services: config.services,
    // Where the log is, is nothing that the world should read.
    ...(NODE_ENV !== "production" && BANYAN_LOG !== undefined && { eventLog: BANYAN_LOG }),
  });
}

/** Opens the same port for the probes and the metrics alone, in a process whose actions are called over the bus. */
export async function openProbes(app: App, surroundings: Surroundings): Promise<Opened> {
  const { createApiKeyAuthenticator } = await import("@banyan/gateway");
  const gateway = await make("probes", surroundings, {
    app,
    authenticator: createApiKeyAuthenticator([]),
    contracts: [],
  });
  return gateway.open();
}

async function make(
  name: string,
  { config, environment, steps, openings }: Surroundings,
  options: Omit<GatewayOptions, "title" | "version">,
): Promise<MadeGateway> {
  const { createGateway } = await import("@banyan/gateway");
  const host = environment.HOST ?? config.host;
  const asked = environment.PORT ?? config.port;
  const full: GatewayOptions = {
    ...options,
    title: config.title,
    version: config.version,
    host,
    port: await freePort(asked, host),
    // For who takes the port between the question and the answer.
    portsAfter,
    log: pino({ level: logLevel(environment) }, pino.destination({ fd: 2, sync: true })),
  };
  const gateway = assembled(() => createGateway(full));
  openings.defer(name, () => gateway.close({ deadlineMs: drainMs }));
  return {
    async open() {
      const { url, port } = await steps.run(
        name,
        () => gateway.listen(),
        (address) => address.url,
      );
      const moved = asked !== 0 && port !== asked;
      return { url, note: moved ? `Port ${asked} is taken: ${port} is that of the ${name}.` : undefined };
    },
  };
}

/** Names and keys of BANYAN_API_KEYS. */
function people({ BANYAN_API_KEYS = "" }: Environment): readonly (readonly [name: string, key: string])[] {
  const entries = BANYAN_API_KEYS.split(",").filter((entry) => entry !== "");
  return entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)] as const);
}

/** At "info" each refused request is a line: for whoever keeps logs, and noise in the terminal of whoever develops. */
function logLevel({ LOG_LEVEL, NODE_ENV }: Environment): string {
  return LOG_LEVEL ?? (NODE_ENV === "production" ? "info" : "warn");
}
