import { type Fault, kernelFaults } from "@banyan/kernel";
import { FAULT_STATUS } from "@banyan/kernel/app";
import { type RefusalDetails, refusalStatus } from "./refusals.ts";

/** An answer of RFC 9457: what is sent, and the headers that belong to it. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
}

const problemType = "application/problem+json; charset=utf-8";

/** JSON text of a fault's details, from the schema that its contract declares: what that does not name is not sent. */
export type DetailsSerialiser = (fault: Fault) => string | undefined;

interface Issue {
  readonly path: string;
  readonly message: string;
}

/**
 * The problem of a fault. Of what is our fault (kind "internal") it says nothing but where to look: the text may hold
 * anything.
 */
export function problemOf(fault: Fault, traceId: string, details: DetailsSerialiser): Problem {
  const status = refusalStatus(fault.code) ?? FAULT_STATUS[fault.kind];
  const retryAfterMs = fault.retryAfterMs ?? (status === 503 ? 1_000 : undefined);
  const isOurs = fault.kind === "internal";
  const own = (fault.details ?? {}) as RefusalDetails & { readonly issues?: readonly Issue[] };
  const issues = isKernels(fault) && !isOurs ? own.issues : undefined;
  const detail = isOurs ? `something went wrong on our side; quote ${traceId} when you report it` : fault.message;
  const head = JSON.stringify({
    type: `/docs#${fault.code}`,
    title: inWords(fault.code),
    status,
    detail,
    code: fault.code,
    field: isEdges(fault) ? own.field : issues?.[0]?.path || undefined,
    issues,
    traceId,
    retry: fault.retry,
  });
  const detailsText = isOurs ? undefined : details(fault);
  const body = detailsText === undefined ? head : `${head.slice(0, -1)},"details":${detailsText}}`;
  const headers = {
    ...headersOf(fault.code, status, retryAfterMs),
    ...(isEdges(fault) && own.headers),
    ...(kernelFaults.pending.is(fault) && { location: `/v1/workflows/${fault.details.run}` }),
  };
  return { status, body, headers };
}

function headersOf(code: string, status: number, retryAfterMs: number | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": problemType,
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  };
  if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  // RFC 6750, section 3: the error is named only where credentials were shown.
  const error = code === "gateway.invalidCredentials" ? ', error="invalid_token"' : "";
  if (status === 401) headers["www-authenticate"] = `Bearer realm="banyan"${error}`;
  return headers;
}

const isEdges = ({ code }: Fault) => code.startsWith("gateway.");
const isKernels = ({ code }: Fault) => code.startsWith("kernel.");

/** "ledger.insufficientFunds" -> "Insufficient funds": the same for every occurrence, as RFC 9457 asks. */
export function inWords(code: string): string {
  const words = code.slice(code.indexOf(".") + 1).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
