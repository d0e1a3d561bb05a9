import type { Identity } from "@banyan/kernel";
import { anonymousIdentity } from "@banyan/kernel/app";
import type { FastifyReply, FastifyRequest } from "fastify";
import { refusal } from "../answers/refusals.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import type { Limits } from "../limits.ts";
import { checkHead } from "./check-head.ts";
import { addressKey } from "./client-address.ts";
import type { Connections } from "./connections.ts";
import { type Allowance, RateLimiter } from "./rate-limiter.ts";

export interface AdmissionOptions {
  readonly authenticator: Authenticator;
  readonly limits: Limits;
  readonly connections: Connections;
  /** Whether `X-Forwarded-For` counts at all; if not, the connection's own address is the client's. */
  readonly hasProxies: boolean;
  /** Paths that are asked often by machines that must not be refused. */
  readonly unlimited: ReadonlySet<string>;
}

export type Admit = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/**
 * Lets a request in, or says why not, before its body is read: its head is checked, its sender named, its rate limited.
 * Requests with valid credentials count for their subject, all others for their address, so that nobody uses up what
 * belongs to someone else.
 */
export function admission({ authenticator, limits, connections, hasProxies, unlimited }: AdmissionOptions): Admit {
  const perSubject = new RateLimiter("subject", limits.perSubject, limits.callersMax);
  const perAddress = new RateLimiter("address", limits.perAddress, limits.callersMax);

  return (request, reply, done) => {
    const at = performance.now();
    const { raw } = request;
    const connection = connections.of(raw.socket);
    reply.header("x-content-type-options", "nosniff");
    checkHead(raw, limits);
    const address = hasProxies ? request.ip : (raw.socket.remoteAddress ?? "");

    const settle = (identity: Identity | undefined): void => {
      request.arrival = { at, identity: identity ?? anonymousIdentity, connection };
      if (identity !== undefined && identity !== anonymousIdentity) {
        announce(reply, perSubject, perSubject.take(`${identity.tenant} ${identity.subject}`, at));
        return;
      }
      if (unlimited.has(raw.url as string)) return;
      const key = hasProxies || connection === undefined ? addressKey(address) : connection.addressKey;
      announce(reply, perAddress, perAddress.take(key, at));
      if (identity === undefined) throw refusal("invalidCredentials", "these credentials are not known here");
    };

    const answer = authenticator.authenticate({ authorization: raw.headers.authorization, address });
    if (answer instanceof Promise) {
      answer.then(settle).then(() => done(), done);
      return;
    }
    settle(answer);
    done();
  };
}

/** Says how much is left, and refuses where nothing is. */
function announce(reply: FastifyReply, limiter: RateLimiter, allowance: Allowance): void {
  reply.header("ratelimit-policy", limiter.policy);
  reply.header("ratelimit", limiter.describe(allowance));
  if (allowance.isAllowed) return;
  const { waitMs } = allowance;
  const seconds = Math.ceil(waitMs / 1_000);
  throw refusal("rateLimited", `too many requests; the next is taken in ${seconds} s`, { retryAfterMs: waitMs });
}
