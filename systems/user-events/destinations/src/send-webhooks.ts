import type { StoredEvent } from "@banyan/user-events-events/contract";
import { type Network, post, resolveTarget, signedHeaders, TargetRefused } from "@banyan/webhooks";

/** How far sending came: the first `count` are delivered; what stopped it, where anything but the time did. */
export interface Sent {
  readonly count: number;
  readonly error: string | null;
  /** The receiver has said that it does not want the event: to try again would change nothing. */
  readonly isFinal: boolean;
  /** Nothing can be sent there now, whatever it is: no event is at fault. */
  readonly isOutage: boolean;
  /** For how long the receiver does not want to be asked again. */
  readonly retryAfterMs: number | null;
}

/** Nothing stopped it. */
export const sentAll = { error: null, isFinal: false, isOutage: false, retryAfterMs: null };

/** For looking up, connecting, sending and the answer's head together: the least that Standard Webhooks advises. */
const timeoutMs = 15_000;
/** Of what is refused (4xx) these may be taken later: timeout, too early, too many requests. */
const laterStatuses = [408, 425, 429];

interface Given {
  readonly url: string;
  readonly secret: Uint8Array;
  readonly events: readonly StoredEvent[];
  readonly signal: AbortSignal;
  now(): number;
  /** None but the first is begun later: what was delivered is to be noted in time. */
  readonly until: number;
}

/** Posts events one after the other, each with its id as webhook-id, so that a receiver knows one that comes again. */
export async function sendWebhooks(
  network: Network,
  { url, secret, events, signal, now, until }: Given,
): Promise<Sent> {
  for (const [count, event] of events.entries()) {
    if (count > 0 && now() >= until) return { ...sentAll, count };
    const body = JSON.stringify({
      type: `event.${event.type}`,
      timestamp: event.occurredAt,
      data: event,
    });
    const signed = {
      // In ASCII, and of two events never the same.
      id: `${event.source}_${encodeURIComponent(event.eventId)}`,
      timestamp: Math.floor(now() / 1_000),
      body,
    };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const target = await resolveTarget(network, url, limit);
      const { status, retryAfterMs } = await post(target, { headers: signedHeaders(signed, [secret]), body }, limit);
      if (status >= 200 && status < 300) continue;
      const isFinal = status >= 400 && status < 500 && !laterStatuses.includes(status);
      return { ...sentAll, count, error: `the receiver answered ${status}`, isFinal, retryAfterMs };
    } catch (error) {
      signal.throwIfAborted();
      return { ...sentAll, count, error: reasonOf(error) };
    }
  }
  return { ...sentAll, count: events.length };
}

/** The kind of a failure: nothing of our network. */
function reasonOf(error: unknown): string {
  if (error instanceof TargetRefused) return error.message;
  const { name, code } = error as NodeJS.ErrnoException;
  return name === "TimeoutError" ? "no answer in time" : (code ?? "no answer");
}
