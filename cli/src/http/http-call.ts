import { Fault } from "@banyan/kernel";
import { FAULT_STATUS } from "@banyan/kernel/app";
import { z } from "zod";
import { CommandFailure, usageFailure } from "../failure.ts";
import type { Call } from "../project/config.ts";
import { readEnvironment } from "../project/environment.ts";
import { httpRequestOf } from "./http-request.ts";

interface RemoteServer {
  readonly url: string;
  readonly key: string;
}

const defaultDeadlineMs = 60_000;

/** What the gateway sends of a fault. */
const Problem = z.object({
  status: z.int(),
  title: z.string(),
  detail: z.string().optional(),
  code: z.string(),
  issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  details: z.unknown().optional(),
  retry: z.enum(["no", "yes", "unknown"]).optional(),
});

/** The server that `--url` and `--key` name. */
export function remoteServer({ url, key }: { readonly url?: string; readonly key?: string }): RemoteServer {
  if (url === undefined || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw usageFailure(`--url ${url} is no address.`, "Give one as in http://127.0.0.1:3000");
  }
  const given = key ?? readEnvironment().BANYAN_API_KEY;
  if (given === undefined) throw usageFailure("The server needs an API key.", "Pass --key KEY or set BANYAN_API_KEY.");
  return { url, key: given };
}

/**
 * Calls actions by their HTTP routes. Faults come back as faults, with the code that they had; a server that does not
 * answer is the fault `cli.unreachable`.
 */
export function createHttpCall({ url, key }: RemoteServer): Call {
  return async (action, input, { idempotencyKey, deadlineMs = defaultDeadlineMs } = {}) => {
    const route = action.definition.http;
    if (route === undefined)
      throw new CommandFailure(`${action.id} has no HTTP route.`, "It can be called on the server's machine only.");
    const { method, path, headers, body } = httpRequestOf(action, route, (input ?? {}) as Record<string, unknown>);
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        ...headers,
        authorization: `Bearer ${key}`,
        ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      },
      signal: AbortSignal.timeout(deadlineMs),
      ...(body !== undefined && { body }),
    }).catch((error: Error) => {
      throw unreachable(url, error);
    });
    const text = await response.text().catch((error: Error) => {
      throw unreachable(url, error);
    });
    if (!response.ok) throw faultFrom(response, text);
    const { httpAnswer } = action.definition;
    if (httpAnswer !== undefined) return { [httpAnswer.field]: text };
    return text === "" ? undefined : JSON.parse(text);
  };
}

/** An RFC 9457 problem as the fault it was. What is no problem of ours came from something in between. */
function faultFrom(response: Response, text: string): Error {
  const problem = Problem.safeParse(jsonOf(text));
  if (!problem.success) {
    return new CommandFailure(
      `${response.url} answered ${response.status}: ${text.slice(0, 200)}`,
      "Is a Banyan server behind this address?",
    );
  }
  const { code, status, detail, title, issues, details, retry } = problem.data;
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(retryAfterS) ? retryAfterS * 1_000 : undefined;
  return new Fault({
    code,
    kind: kindOf(status),
    message: detail ?? title,
    details: details ?? { issues },
    retry,
    retryAfterMs,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A server that restarts is away for a moment: whoever has an idempotency key may try again. */
function unreachable(url: string, error: Error): Fault {
  const cause = error.cause instanceof Error ? error.cause : error;
  const refused = "code" in cause && cause.code === "ECONNREFUSED";
  return new Fault({
    code: "cli.unreachable",
    kind: "unavailable",
    message: `${url} does not answer: ${cause.message}`,
    details: undefined,
    retry: refused ? "yes" : "unknown",
    cause,
  });
}

/** Several statuses mean that the request was wrong; those that mean something else are one to one. */
function kindOf(status: number): Fault["kind"] {
  const known = Object.entries(FAULT_STATUS).find(([, each]) => each === status)?.[0] as Fault["kind"] | undefined;
  return known ?? (status >= 500 ? "internal" : "invalid");
}
