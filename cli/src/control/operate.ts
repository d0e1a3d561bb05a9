import { isFault } from "@banyan/kernel";
import { type AnyAction, type App, type InspectorRecord, systemIdentity } from "@banyan/kernel/app";
import { CommandFailure, usageFailure } from "../failure.ts";
import type { Chaos } from "../watch/chaos.ts";
import { matcher } from "../watch/matcher.ts";
import { type NodeReport, reportNode } from "../watch/node-report.ts";
import type { Watch } from "../watch/watch.ts";
import type { Refusal, Request } from "./protocol.ts";

/** What an operator may ask about. */
export interface Operated {
  readonly app: App;
  readonly checks: readonly AnyAction[];
  /** null in a process that lives for one command. */
  readonly watch: Watch | null;
  /** Where the application was made with its middleware. */
  readonly chaos?: Chaos | undefined;
  readonly name: { readonly node: string; readonly process: string };
}

export interface CheckResult {
  readonly check: string;
  readonly ok: boolean;
  readonly result: unknown;
}

/** The checks walk whole ledgers. */
const checkDeadlineMs = 10 * 60_000;

/**
 * Does what an operator asked of a started application, as the system. `send` takes what comes before the end: records
 * of a tail, which lasts until `signal`. Raises what the application raises.
 */
export async function operate(
  operated: Operated,
  request: Request,
  { send, signal }: { send(item: unknown): void; readonly signal: AbortSignal },
): Promise<unknown> {
  const { app, checks, watch } = operated;
  switch (request.do) {
    case "call": {
      const { action, input, idempotencyKey, as: subject } = request;
      return app.call(app.action(action), input, {
        signal,
        ...(idempotencyKey !== undefined && { idempotencyKey }),
        ...(subject !== undefined && { identity: { ...systemIdentity, subject } }),
      });
    }
    case "tail":
      return tail(app, request.pattern, { send, signal });
    case "health":
      return app.health();
    case "check":
      return Promise.all(checks.map((check) => runCheck(app, check)));
    case "rebuild":
      return app.rebuild(request.projection);
    case "deadLetters": {
      const { do: _, ...filter } = request;
      return app.deadLetters(filter as Parameters<App["deadLetters"]>[0]);
    }
    case "redrive":
      return app.redrive(request.id);
    case "jobs": {
      const { do: _, ...filter } = request;
      return app.jobs(filter);
    }
    case "retryJob":
      return app.retryJob(request.id);
    case "pauseJobs":
      return app.pauseJobs(request.type);
    case "resumeJobs":
      return app.resumeJobs(request.type);
    case "runs": {
      const { do: _, ...filter } = request;
      return app.workflows.list(filter);
    }
    case "run":
      return (await app.workflows.show(request.id)) ?? null;
    case "retryRun":
      return (await app.workflows.retry(request.id, request.from)) ?? null;
    case "cancelRun":
      return (await app.workflows.cancel(request.id)) ?? null;
    case "signalRun":
      return (await app.workflows.signal(request.id, request.signal, request.data)) ?? null;
    case "lag":
      return app.lag();
    case "republish":
      return app.republish(request.since);
    case "subscriptions":
      return app.subscriptions();
    case "forget":
      return app.forgetSubscriptions(request.service);
    case "trace":
      return watch?.traces.of(request.traceId) ?? [];
    case "nodes":
      return [report(operated)];
    case "disturb":
      return disturb(operated, request);
    case "scale":
    case "signal":
      throw usageFailure(
        "One process has it all here: there is nothing to scale, and nobody to start it again.",
        "Start the services in processes of their own: `npx banyan start --topology split`.",
      );
  }
}

function report({ name, app, watch }: Operated): NodeReport {
  return reportNode(name, app, watch?.stats);
}

function disturb({ chaos }: Operated, request: Extract<Request, { do: "disturb" }>): null {
  if (chaos === undefined)
    throw usageFailure(
      "Calls can be disturbed where services run in processes of their own, and not in production.",
      "Start them so: `npx banyan start --topology split`.",
    );
  const { pattern, slowMs, failRate, forMs } = request;
  chaos.add({ pattern, slowMs, failRate, until: Date.now() + forMs });
  return null;
}

/** The text of an error for an operator, with the code where it is a fault. */
export function refusalOf(error: unknown): Refusal {
  if (isFault(error)) return { message: error.message, code: error.code, details: error.details };
  if (error instanceof CommandFailure) return { message: error.message, advice: error.advice };
  return { message: error instanceof Error ? error.message : String(error) };
}

async function runCheck(app: App, check: AnyAction): Promise<CheckResult> {
  const result = (await app.call(check, {}, { deadlineMs: checkDeadlineMs })) as { ok?: unknown };
  return { check: check.id, ok: result.ok === true, result };
}

function tail(
  app: App,
  pattern: string,
  { send, signal }: { send(item: unknown): void; readonly signal: AbortSignal },
): Promise<null> {
  const matches = matcher(pattern);
  const listen = (record: InspectorRecord) => {
    if ("id" in record ? matches.test(record.id) : pattern === "*") send(record);
  };
  const stop = app.inspect(listen);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      stop();
      resolve(null);
    });
  });
}
