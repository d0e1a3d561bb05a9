const prefix = "workflow:";

/** The idempotency key of what a step of a run does: the same at each of its tries. */
export function stepKey(run: string, step: string): string {
  return `${prefix}${run}:${step}`;
}

/** Whether a step of some run asks. */
export function isStepKey(key: string | undefined): boolean {
  return key?.startsWith(prefix) ?? false;
}
