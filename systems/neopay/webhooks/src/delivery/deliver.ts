import type { Handler, Returned } from "@banyan/kernel";
import { post, resolveTarget } from "@banyan/webhooks";
import { webhooks } from "../contract.ts";
import { noteHealth, updateStatus } from "../endpoint/endpoint-store.ts";
import type { Uses } from "../uses.ts";
import { giveUp, noteAttempt } from "./delivery-store.ts";
import { failingMaxMs, waitBefore } from "./retry-schedule.ts";

/** For looking up, connecting, sending and the answer's head together: the least that Standard Webhooks advises. */
const timeoutMs = 15_000;
const gone = 410;

type Context = Parameters<Handler<typeof webhooks.deliver, Uses>>[0];
type Request = NonNullable<Returned<typeof webhooks.due>["request"]>;

/**
 * Makes one attempt and notes how it went; the next attempt is another job. A process that dies between the two sends the
 * message again, under the same id. No transaction is open while the receiver is waited for.
 */
export const deliver: Handler<typeof webhooks.deliver, Uses> = async (ctx, { id, turn, step }) => {
  const { state, request } = await ctx.call(webhooks.due, { id, turn });
  if (state === "disabled") await giveUp(ctx.sql, { id, turn }, new Date(ctx.now()));
  if (request === null) return;
  const { status, error, retryAfterMs, tookMs } = await attempt(ctx, request);
  const at = new Date(ctx.now());
  const ok = status !== null && status >= 200 && status < 300;
  const wait = ok || status === gone ? null : waitBefore(step + 1, Math.random(), retryAfterMs);
  const becomes = ok ? "delivered" : wait === null ? "failed" : "pending";
  const nextAt = wait === null ? null : new Date(at.getTime() + wait);
  const isNoted = await noteAttempt(ctx.sql, { id, turn }, { at, tookMs, status, error, becomes, nextAt });
  if (!isNoted) return;
  await judge(ctx, request.endpoint, { ok, status, at });
  if (wait !== null) ctx.enqueue(webhooks.deliver, { id, turn, step: step + 1 }, { delayMs: wait });
};

async function attempt(ctx: Context, { url, headers, body }: Request) {
  const began = performance.now();
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(timeoutMs)]);
  const took = () => Math.round(performance.now() - began);
  try {
    const target = await resolveTarget(ctx.uses.network, url, signal);
    const answer = await post(target, { headers, body }, signal);
    return { ...answer, error: null, tookMs: took() };
  } catch (error) {
    // The process stops or has lost the job: that is no failure of the receiver.
    ctx.signal.throwIfAborted();
    return { status: null, retryAfterMs: null, error: reasonOf(error), tookMs: took() };
  }
}

/** What its owner may know of a failure: the kind of it, not our addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs} ms`;
  return "code" in error && typeof error.code === "string" ? error.code : error.message.slice(0, 200);
}

/** Disables an endpoint that says that it is gone, or has failed for three days without one success. */
async function judge(
  ctx: Context,
  id: string,
  { ok, status, at }: { readonly ok: boolean; readonly status: number | null; readonly at: Date },
): Promise<void> {
  const endpoint = await noteHealth(ctx.sql, id, { ok, at });
  if (ok || endpoint === null || endpoint.status === "disabled") return;
  const hasFailedMs = endpoint.failingSince === null ? 0 : at.getTime() - Date.parse(endpoint.failingSince);
  if (status !== gone && hasFailedMs < failingMaxMs) return;
  const reason = status === gone ? "the receiver answered 410 Gone" : "no delivery succeeded for three days";
  await updateStatus(ctx.sql, { tenant: ctx.identity.tenant, id }, reason);
  ctx.emit(webhooks.endpointDisabled, { id, url: endpoint.url, merchant: endpoint.merchant, reason });
}
