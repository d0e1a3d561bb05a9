import type { StoredEvent } from "@banyan/user-events-events/contract";
import { type Network, post, resolveTarget, signedHeaders, TargetRefused } from "@banyan/webhooks";

/** How far sending came: the first `count` are delivered; what stopped it, where anything did. */
export interface Sent {
  readonly count: number;
  readonly error: string | null;
  /** The receiver has said that it does not want the event: to try again would change nothing. */
  readonly isFinal: boolean;
}

/** For looking up, connecting, sending and the answer's head together: the least that Standard Webhooks advises. */
const timeoutMs = 15_000;
/** Of what is refused (4xx) these may be taken later: timeout, too early, too many requests. */
const laterStatuses = [408, 425, 429];

/** Posts events one after the other, each with its id as webhook-id, so that a receiver knows one that comes again. */
export async function sendWebhooks(
  network: Network,
  {
    url,
    secret,
    events,
    signal,
    now,
  }: { url: string; secret: Uint8Array; events: readonly StoredEvent[]; signal: AbortSignal; now(): number },
): Promise<Sent> {
  for (const [count, event] of events.entries()) {
    const body = JSON.stringify({
      type: `event.${event.type}`,
      timestamp: new Date(event.occurredAt).toISOString(),
      data: event,
    });
    const signed = {
      id: `${event.source}_${event.eventId}`.replace(/[^\x21-\x7e]/g, "_"),
      timestamp: Math.floor(now() / 1_000),
      body,
    };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const target = await resolveTarget(network, url, limit);
      const { status } = await post(target, { headers: signedHeaders(signed, [secret]), body }, limit);
      if (status >= 200 && status < 300) continue;
      const isFinal = status >= 400 && status < 500 && !laterStatuses.includes(status);
      return { count, error: `the receiver answered ${status}`, isFinal };
    } catch (error) {
      signal.throwIfAborted();
      return { count, error: reasonOf(error), isFinal: false };
    }
  }
  return { count: events.length, error: null, isFinal: false };
}

/** The kind of a failure: nothing of our network. */
function reasonOf(error: unknown): string {
  if (error instanceof TargetRefused) return error.message;
  const { name, code } = error as NodeJS.ErrnoException;
  return name === "TimeoutError" ? "no answer in time" : (code ?? "no answer");
}
