import { ask } from "../control/client.ts";
import type { Operator } from "../control/operator.ts";
import { findProject } from "../project/project.ts";

/** Works with the running server, or, where none runs, with the application started in this process for as long as it takes. */
export async function withOperator<T>(
  work: (operator: Operator) => Promise<T>,
  stopping: AbortSignal = new AbortController().signal,
): Promise<T> {
  const project = await findProject();
  const { server } = project;
  if (server === undefined) {
    const { startedHere } = await import("./started-here.ts");
    return startedHere(project, work);
  }
  const { createHttpCall } = await import("../http/http-call.ts");
  const { patientCall } = await import("../http/patient-call.ts");
  return work({
    call: patientCall(createHttpCall(server), stopping),
    signal: stopping,
    ask: (request) => ask(server.socket, request),
  });
}
