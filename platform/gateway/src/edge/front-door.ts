import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Identity } from "@banyan/kernel";
import { anonymousIdentity } from "@banyan/kernel/app";
import type { AnswerError } from "../answers/answering.ts";
import { refusal } from "../answers/refusals.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import type { Limits } from "../limits.ts";
import type { Arrival } from "./arrival.ts";
import { checkHead } from "./check-head.ts";
import { addressKey, clientAddress } from "./client-address.ts";
import type { Connections } from "./connections.ts";
import type { CrossOrigin } from "./cross-origin.ts";
import { head, readHead } from "./head.ts";
import { type Allowance, RateLimiter } from "./rate-limiter.ts";
import { parentSpanIdOf, traceIdOf } from "./trace.ts";

/** The global is a lazy getter, which costs a third of a reading. */
const timer = globalThis.performance;

export interface FrontDoorOptions {
  readonly authenticator: Authenticator;
  readonly limits: Limits;
  readonly connections: Connections;
  /** Undefined where no proxy is trusted: then the connection's own address is the client's. */
  readonly isTrusted: ((address: string) => boolean) | undefined;
  /** Undefined where no other origin may call. */
  readonly crossOrigin: CrossOrigin | undefined;
  /** Paths that are asked often by machines that must not be refused. */
  readonly unlimited: ReadonlySet<string>;
  readonly answerError: AnswerError;
}

/**
 * Lets a request in, or says why not, before its body is read and before it is routed: its head is checked, its sender
 * named, its rate limited. Requests with valid credentials count for their subject, all others for their address, so
 * that nobody uses up what belongs to someone else.
 *
 * It stands before Fastify rather than in a hook of it: a hook costs 7 % of a request that does nothing else.
 */
export function frontDoor(options: FrontDoorOptions, inside: RequestListener): RequestListener {
  const { authenticator, connections, crossOrigin, isTrusted, limits, answerError } = options;
  const admit = admission(options);
  return (request, response) => {
    const { headers, socket } = request;
    const found = readHead(request.rawHeaders);
    const traceparent = (found.bits & head.traceparent) === 0 ? undefined : headers.traceparent;
    const arrival: Arrival = {
      at: timer.now(),
      traceId: traceIdOf(traceparent),
      parentSpanId: parentSpanIdOf(traceparent),
      bits: found.bits,
      connection: connections.of(socket),
      identity: anonymousIdentity,
    };
    request.arrival = arrival;
    try {
      // First, so that a page of an allowed origin can also read why it was refused.
      if (crossOrigin?.(request, response)) return;
      checkHead(request, found, limits);
      const own = arrival.connection.address;
      const address = isTrusted === undefined ? own : clientAddress(own, headers["x-forwarded-for"], isTrusted);
      const authorization = (found.bits & head.authorization) === 0 ? undefined : headers.authorization;
      const identity = authenticator.authenticate({ authorization, address });
      if (identity instanceof Promise) {
        identity
          .then((sender) => admit(request, response, { identity: sender, address }))
          .then(() => inside(request, response))
          .catch((error: unknown) => answerError(error, response));
        return;
      }
      admit(request, response, { identity, address });
    } catch (error) {
      answerError(error, response);
      return;
    }
    inside(request, response);
  };
}

interface Sender {
  readonly identity: Identity | undefined;
  readonly address: string;
}

function admission({ limits, isTrusted, unlimited }: FrontDoorOptions) {
  const perSubject = new RateLimiter("subject", limits.perSubject, limits.callersMax);
  const perAddress = new RateLimiter("address", limits.perAddress, limits.callersMax);
  return (request: IncomingMessage, response: ServerResponse, { identity, address }: Sender): void => {
    const { arrival } = request;
    if (identity !== undefined && identity !== anonymousIdentity) {
      arrival.identity = identity;
      announce(response, perSubject, perSubject.take(`${identity.tenant} ${identity.subject}`, arrival.at));
      return;
    }
    const key = isTrusted === undefined ? arrival.connection.addressKey : addressKey(address);
    const allowance = perAddress.take(key, arrival.at);
    if (!allowance.isAllowed && unlimited.has(request.url as string)) return;
    announce(response, perAddress, allowance);
    if (identity === undefined) throw refusal("invalidCredentials", "these credentials are not known here");
  };
}

/**
 * Says how much is left once half of it is used, and refuses where nothing is. The draft leaves the moment to the server
 * (section 5), and each header costs every answer 1 % of its time.
 */
function announce(response: ServerResponse, limiter: RateLimiter, allowance: Allowance): void {
  if (allowance.left >= limiter.halfCount) return;
  response.setHeader("ratelimit-policy", limiter.policy);
  response.setHeader("ratelimit", limiter.describe(allowance));
  if (allowance.isAllowed) return;
  const { waitMs } = allowance;
  const seconds = Math.ceil(waitMs / 1_000);
  throw refusal("rateLimited", `too many requests; the next is taken in ${seconds} s`, { retryAfterMs: waitMs });
}
