import { digest } from "../call/ids.ts";
import type { AnyWorkflow } from "../contract/action.ts";

const prefix = "workflow:";

/** The idempotency key of what a step of a run does: the same at each of its tries. */
export function stepKey(run: string, step: string): string {
  return `${prefix}${run}:${step}`;
}

/** Whether a step of some run asks. */
export function isStepKey(key: string | undefined): boolean {
  return key?.startsWith(prefix) ?? false;
}

/** Of the run that is started with an idempotency key: the same for the same tenant, workflow and key. */
export function runId({ id }: AnyWorkflow, tenant: string, key: string): string {
  const hex = Buffer.from(digest(16, "run", id, tenant, key)).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
