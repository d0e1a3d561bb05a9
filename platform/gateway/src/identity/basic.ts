import type { Identity } from "@banyan/kernel";
import { anonymousIdentity } from "@banyan/kernel/app";
import type { Authenticator } from "./authenticator.ts";

/** What `Authorization: Basic` says (RFC 7617). */
export interface BasicCredentials {
  readonly userName: string;
  readonly password: string;
}

/** How long an answer holds, for those that are known and for those that are not. */
const rememberedMs = 5_000;
const rememberedMax = 10_000;

/**
 * Authenticates `Authorization: Basic` by asking `lookUp`, which answers undefined for who is not known. An answer is remembered for
 * 5 s, so that neither a busy client nor one that tries keys costs a look-up for each request.
 */
export function createBasicAuthenticator(
  lookUp: (credentials: BasicCredentials) => Promise<Identity | undefined>,
): Authenticator {
  const remembered = new Map<string, { readonly until: number; readonly answer: Promise<Identity | undefined> }>();
  return {
    authenticate({ authorization }) {
      if (authorization === undefined) return anonymousIdentity;
      const now = performance.now();
      const found = remembered.get(authorization);
      if (found !== undefined && found.until > now) return found.answer;
      const credentials = credentialsIn(authorization);
      if (credentials === undefined) return undefined;
      if (remembered.size >= rememberedMax) remembered.clear();
      const answer = lookUp(credentials);
      remembered.set(authorization, { until: now + rememberedMs, answer });
      answer.catch(() => remembered.delete(authorization));
      return answer;
    },
  };
}

function credentialsIn(authorization: string): BasicCredentials | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { userName: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Asks one authenticator after the other; the first that knows the credentials has the word. */
export function firstOf(authenticators: readonly Authenticator[]): Authenticator {
  return {
    authenticate(credentials) {
      for (const [index, authenticator] of authenticators.entries()) {
        const identity = authenticator.authenticate(credentials);
        if (identity instanceof Promise) {
          const rest = firstOf(authenticators.slice(index + 1));
          return identity.then((found) => found ?? rest.authenticate(credentials));
        }
        if (identity !== undefined) return identity;
      }
      return undefined;
    },
  };
}
