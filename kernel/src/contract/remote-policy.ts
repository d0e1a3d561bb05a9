/**
 * How one node of several is chosen, among those that are well:
 * - "two-choices" (the default): of two at random the one with fewer calls of this process in flight (Mitzenmacher, 2001);
 * - "round-robin", "random": whatever they have to do;
 * - "latency": of two at random the one whose recent latency times calls in flight is smaller;
 * - "cpu": of two at random the one that says it is less busy;
 * - "hash": calls with one key go to one node, for as long as that has no more than 1.25 times its share;
 * - "prefer-local": two-choices among the nodes of this machine, elsewhere only where there are none;
 * - "broker": whoever the broker picks, unseen by breakers; two-choices on a bus without groups.
 */
export type Balance = "two-choices" | "round-robin" | "random" | "latency" | "cpu" | "hash" | "prefer-local" | "broker";

/** Trying again, for faults with retry "yes", and "unknown" where the call is a query or has an idempotency key. */
export interface RetryPolicy {
  /** Runs in all, the first included. Default 4. */
  readonly attemptsMax?: number;
  /** The pause before the second run is random below this, and doubles with each. Default 10 ms. */
  readonly pauseMs?: number;
  /** Retries per call, over all calls of the action in this process: 0.2 unless given, so that an outage grows by a fifth and not by four. */
  readonly budget?: number;
}

/** Leaving a node alone that fails one action, beside those that still serve it. */
export interface BreakerPolicy {
  /** Opens where this share of the calls since the first failure failed. Default 0.5. */
  readonly failureShare?: number;
  /** Of at least so many calls. Default 8. */
  readonly callsMin?: number;
  /** Failures further apart than this are not counted together. Default 10,000 ms. */
  readonly windowMs?: number;
  /** How long nothing goes there; doubled with every probe that fails, up to 30 s. Default 1,000 ms. */
  readonly openMs?: number;
}

/** How many calls of one action this process has under way, so that one slow service cannot take all of its memory. */
export interface BulkheadPolicy {
  /** Default 1,024. */
  readonly inFlightMax?: number;
  /** Calls that wait for a place, within their deadlines; more are refused at once. Default 8,192. */
  readonly queueMax?: number;
}

/**
 * What happens to calls that leave the process; calls within it have no use for it. Everything is on by default: turning one
 * off must be written. An action's own words override its contract's, part by part.
 */
export interface RemotePolicy {
  readonly balance?: Balance;
  readonly retry?: RetryPolicy | "off";
  readonly breaker?: BreakerPolicy | "off";
  readonly bulkhead?: BulkheadPolicy | "off";
  /** Refusing calls while the callee's event loop is behind. Default "on". */
  readonly shedding?: "on" | "off";
}

/** A policy with every default filled in. */
export interface FullRemotePolicy {
  readonly balance: Balance;
  readonly retry: Required<RetryPolicy> | null;
  readonly breaker: Required<BreakerPolicy> | null;
  readonly bulkhead: Required<BulkheadPolicy> | null;
  readonly shedding: boolean;
}

const defaults = {
  retry: { attemptsMax: 4, pauseMs: 10, budget: 0.2 },
  breaker: { failureShare: 0.5, callsMin: 8, windowMs: 10_000, openMs: 1_000 },
  bulkhead: { inFlightMax: 1_024, queueMax: 8_192 },
} as const;

/** The action's policy over its contract's over the defaults. */
export function fullPolicy(ofContract: RemotePolicy, ofAction: RemotePolicy = {}): FullRemotePolicy {
  const { balance = "two-choices", shedding = "on", retry, breaker, bulkhead } = { ...ofContract, ...ofAction };
  return {
    balance,
    retry: retry === "off" ? null : { ...defaults.retry, ...retry },
    breaker: breaker === "off" ? null : { ...defaults.breaker, ...breaker },
    bulkhead: bulkhead === "off" ? null : { ...defaults.bulkhead, ...bulkhead },
    shedding: shedding === "on",
  };
}
