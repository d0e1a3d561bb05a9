import type { Call } from "../project/config.ts";
import { withOperator } from "./with-operator.ts";

/** Where calls go: to a server that is not this project's own, or, without a URL, to this project's. */
export interface Where {
  readonly url?: string;
  readonly key?: string;
}

/**
 * Calls the server of `--url`, else the project's own: the running one, or the application started here for as long as it takes. With
 * `stopping`, work and calls end.
 */
export async function withCall<T>(
  where: Where,
  work: (call: Call, signal: AbortSignal) => Promise<T>,
  stopping?: AbortSignal,
): Promise<T> {
  if (where.url === undefined) return withOperator(({ call, signal }) => work(call, signal), stopping);
  const { createHttpCall, remoteServer } = await import("../http/http-call.ts");
  const { patientCall } = await import("../http/patient-call.ts");
  const signal = stopping ?? new AbortController().signal;
  return work(patientCall(createHttpCall(remoteServer(where)), signal), signal);
}
