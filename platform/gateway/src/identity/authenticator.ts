import type { Identity } from "@banyan/kernel";

/** What a request shows of who sends it. Headers that merely claim it (`x-user-id`, `x-tenant`) are not looked at. */
export interface Credentials {
  /** The `Authorization` header, as sent. */
  readonly authorization: string | undefined;
  /** The client's address, as far as the trusted proxies vouch for it. */
  readonly address: string;
}

/**
 * Says who sends a request. The auth service takes this place; until then API keys do.
 *
 * Answers `anonymousIdentity` where no credentials are shown, and undefined where they are shown and not valid (401).
 * Anything that it throws refuses the request: an authenticator that fails never lets one in. Answer without a promise
 * where that is possible; it is asked for every request. Refusing must be cheap, or bound itself.
 */
export interface Authenticator {
  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined>;
}
