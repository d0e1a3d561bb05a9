import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { AnyQuery, App } from "@banyan/kernel/app";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { type Logger, pino } from "pino";
import { type AnswerError, errorAnswerer } from "./answers/answering.ts";
import { detailsSerialiser } from "./answers/fault-details.ts";
import { refusal } from "./answers/refusals.ts";
import { answerUnparsed } from "./answers/unparsed.ts";
import { jsonFormat } from "./body/parse-body.ts";
import type { EventfulService } from "./describe/asyncapi.ts";
import { registerDescription } from "./describe/register-description.ts";
import { Connections } from "./edge/connections.ts";
import { crossOriginFor } from "./edge/cross-origin.ts";
import { frontDoor } from "./edge/front-door.ts";
import { trustedBy } from "./edge/trusted-proxies.ts";
import type { Authenticator } from "./identity/authenticator.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { Follows } from "./routes/follow.ts";
import { registerActions } from "./routes/register-actions.ts";
import { routeTable } from "./routes/route-table.ts";
import { createMetrics } from "./watch/metrics.ts";
import { createReadiness, defaultReadinessLimits, type ReadinessLimits } from "./watch/readiness.ts";
import { probePaths, registerProbes } from "./watch/register-probes.ts";
import { RequestRecord } from "./watch/request-record.ts";

/** What a gateway serves, whom it lets in, and how much it takes. Everything but the first four has a default. */
export interface GatewayOptions {
  readonly app: App;
  readonly authenticator: Authenticator;
  /** Whose actions are served. Default: all that `app` knows. With none there are the probes and the metrics alone. */
  readonly contracts?: App["contracts"];
  /** Of the API, for its description. */
  readonly title: string;
  readonly version: string;
  /** Whose events and subscriptions the AsyncAPI document tells. Default: what `app` knows; of services elsewhere that is no subscription. */
  readonly services?: readonly EventfulService[];
  /**
   * The log that carries the events, as "kafka://broker:9092", for the `servers` of the AsyncAPI document, which whoever reaches the gateway
   * can read: leave it out where that is not for everybody. Users and passwords are left out in any case.
   */
  readonly eventLog?: string;
  /** Default "127.0.0.1": to be reached from elsewhere is a decision. */
  readonly host?: string;
  /** Default 3000; 0 takes any free one. */
  readonly port?: number;
  /** How many ports after `port` may be tried when it is taken. Default 0: a taken port is an error. */
  readonly portsAfter?: number;
  /** Addresses and CIDR ranges whose `X-Forwarded-For` is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Origins whose pages may call, as "https://app.example"; "*" for all. Default none. */
  readonly corsOrigins?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Queries that take {}; each number that they answer is a gauge of /metrics, as `events_totals_in_flight`. */
  readonly gauges?: readonly AnyQuery[];
  readonly readiness?: Partial<ReadinessLimits>;
  /** Default: pino to stderr at "info", which is one line per refused or failed request; "debug" logs each. */
  readonly log?: Logger;
}

/** An HTTP server in front of one application, from its first connection to its last. */
export interface Gateway {
  /** Opens the port. Rejects where it is taken. */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /**
   * Not ready from now on; no new connections; what is in flight may finish for `deadlineMs` (default 10,000), then is
   * cut. Idempotent. Stop the application after it.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Undefined until it listens. */
  readonly address: AddressInfo | undefined;
}

/**
 * Serves an application's actions over HTTP/1.1, as their contracts say. Throws where routes conflict or a schema cannot
 * be written as JSON Schema. It neither starts nor stops the application.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const { app, contracts = app.contracts } = options;
  const services = contracts.map((contract) => ({ contract }));
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const log = options.log ?? pino({ level: "info" }, pino.destination({ fd: 2, sync: true }));
  const isTrusted = trustedBy(options.trustedProxies ?? []);
  const connections = new Connections(limits, isTrusted);
  const metrics = createMetrics(app, {
    connections: () => connections.count,
    gauges: options.gauges ?? [],
  });
  const record = new RequestRecord(metrics.durations, log);
  const answerError = errorAnswerer(record, detailsSerialiser(services));
  let isClosing = false;
  const readiness = createReadiness(app, () => isClosing, { ...defaultReadinessLimits, ...options.readiness });
  const door = {
    authenticator: options.authenticator,
    limits,
    connections,
    isTrusted: (options.trustedProxies ?? []).length > 0 ? isTrusted : undefined,
    crossOrigin: crossOriginFor(options.corsOrigins ?? []),
    unlimited: new Set<string>(probePaths),
    answerError,
  };
  const fastify = routerOf(answerError, limits, (inside) => serverOf(limits, frontDoor(door, inside)));
  connections.watch(fastify.server);
  const routes = routeTable(services);
  const { requestTimeoutMs, followersMax } = limits;
  const follows = new Follows(followersMax);
  registerActions(fastify, routes, { app, json: jsonFormat(limits), requestTimeoutMs, follows, record, answerError });
  registerProbes(fastify, readiness, metrics);
  const { title, version, services: eventful = withSubscriptions(app, contracts), eventLog } = options;
  registerDescription(fastify, { title, version, services, routes, eventful, eventLog });
  fastify.addHook("onClose", async () => {
    metrics.close();
    readiness.close();
  });

  return {
    get address() {
      const address = fastify.server.address();
      return address === null || typeof address === "string" ? undefined : address;
    },
    listen: () => listen(fastify, options),
    close: ({ deadlineMs = 10_000 } = {}) => {
      isClosing = true;
      follows.end();
      return drain(fastify, deadlineMs);
    },
  };
}

function withSubscriptions({ services }: App, contracts: App["contracts"]): EventfulService[] {
  return contracts.map((contract) => services.find((service) => service.contract === contract) ?? { contract });
}

/**
 * Not imported: the facade that an import of node:http makes evaluates its getters, one of which loads undici, 40 ms and
 * 5 MB for nothing.
 */
const { createServer } = process.getBuiltinModule("node:http");

function serverOf(limits: Limits, listener: RequestListener): Server {
  const server = createServer(
    {
      // Node's own answer to a missing Host is no problem+json; `checkHead` looks for it.
      requireHostHeader: false,
      // A request without a body need not be a stream that begins, ends and closes. Known from Node 24.12 on.
      optimizeEmptyRequests: true,
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs / 2),
    },
    listener,
  );
  // One more than allowed is kept, so that the limit is seen; Node would drop the rest in silence.
  server.maxHeadersCount = limits.headersMax + 1;
  server.maxConnections = limits.connectionsMax;
  return server;
}

/** Fastify would read the bodies of these; see `readBody`. */
const bodyMethods = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const ownSchemas = () => {
  throw new Error("no route has a schema of Fastify's: actions validate and write by themselves");
};

/** Fastify finds routes; whom to let in is decided before it, and actions read their bodies and write their answers themselves. */
function routerOf(
  answerError: AnswerError,
  limits: Limits,
  serverFactory: (inside: RequestListener) => Server,
): FastifyInstance {
  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack();
    answerError(error, reply.raw, request.routeOptions.config?.route);
  };
  const fastify = Fastify({
    logger: false,
    serverFactory,
    genReqId: () => "",
    // Else it loads its own compilers, with a validator of 85 modules.
    schemaController: { compilersFactory: { buildValidator: ownSchemas, buildSerializer: ownSchemas } },
    routerOptions: { querystringParser: (query) => query as never, maxParamLength: limits.urlBytesMax },
    return503OnClosing: false,
    frameworkErrors: answer,
    clientErrorHandler: answerUnparsed,
  });
  for (const method of bodyMethods) fastify.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  fastify.setErrorHandler(answer);
  fastify.setNotFoundHandler((request, reply) => {
    const message = `nothing answers ${request.method} here; /openapi.json lists what there is`;
    answer(refusal("unknownRoute", message), request, reply);
  });
  return fastify;
}

async function listen(fastify: FastifyInstance, { host = "127.0.0.1", port = 3_000, portsAfter = 0 }: GatewayOptions) {
  for (let wanted = port; ; wanted++) {
    try {
      const url = await fastify.listen({ host, port: wanted });
      const { port: found } = fastify.server.address() as AddressInfo;
      return { url, port: found };
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!isTaken || wanted >= port + portsAfter) throw error;
    }
  }
}

/** Fastify answers what arrives on open connections and ends them; those that were answered before are looked for here. */
async function drain(fastify: FastifyInstance, deadlineMs: number): Promise<void> {
  const { server } = fastify;
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const cut = setTimeout(() => server.closeAllConnections(), deadlineMs);
  try {
    await fastify.close();
  } finally {
    clearInterval(idle);
    clearTimeout(cut);
  }
}
