import { ask } from "../control/client.ts";
import type { Operator } from "../control/operator.ts";
import { findProject } from "../project/project.ts";

/**
 * Works with the running server, or, where none runs, with the application started in this process for as long as it takes. Without `stopping`
 * a signal ends this process at once where a server runs, and else the application first.
 */
export async function withOperator<T>(work: (operator: Operator) => Promise<T>, stopping?: AbortSignal): Promise<T> {
  const project = await findProject();
  const { server } = project;
  if (server === undefined) {
    const { startedHere } = await import("./started-here.ts");
    return startedHere(project, work, stopping);
  }
  const { createHttpCall } = await import("../http/http-call.ts");
  const { patientCall } = await import("../http/patient-call.ts");
  const signal = stopping ?? new AbortController().signal;
  return work({
    call: patientCall(createHttpCall(server), signal),
    signal,
    ask: (request) => ask(server.socket, request),
  });
}
