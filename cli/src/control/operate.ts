import { isFault } from "@banyan/kernel";
import type { AnyAction, App, InspectorRecord } from "@banyan/kernel/app";
import type { TraceLog } from "../watch/trace-log.ts";
import type { Refusal, Request } from "./protocol.ts";

/** What an operator may ask about. */
export interface Operated {
  readonly app: App;
  readonly checks: readonly AnyAction[];
  /** null in a process that lives for one command. */
  readonly traces: TraceLog | null;
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
  { app, checks, traces }: Operated,
  request: Request,
  { send, signal }: { send(item: unknown): void; readonly signal: AbortSignal },
): Promise<unknown> {
  switch (request.do) {
    case "call": {
      const { idempotencyKey } = request;
      const options = idempotencyKey === undefined ? { signal } : { signal, idempotencyKey };
      return app.call(app.action(request.action), request.input, options);
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
    case "deadJobs":
      return app.deadJobs();
    case "reviveJob":
      return app.reviveJob(request.id);
    case "lag":
      return app.lag();
    case "trace":
      return traces?.of(request.traceId) ?? [];
  }
}

/** The text of an error for an operator, with the code where it is a fault. */
export function refusalOf(error: unknown): Refusal {
  if (isFault(error)) return { message: error.message, code: error.code, details: error.details };
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

/** `*` stands for any run of characters: "ledger.*", "*.posted". */
function matcher(pattern: string): RegExp {
  const literal = (part: string) => part.replace(/[^\w]/g, "\\$&");
  return new RegExp(`^${pattern.split("*").map(literal).join(".*")}$`);
}
