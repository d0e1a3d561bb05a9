import { type Fault, faultFromRecord, isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { StepRetry } from "../service/flow-context.ts";
import type { Outcome } from "../store/outcome.ts";
import type { StepKind, StepRecord } from "../store/workflows.ts";

const resultBytesMax = 262_144;
/** The last moment with a year of four digits: what stores keep, and ISO 8601 tells, without an agreement. */
const timeMax = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const backoffFirstMs = 200;
const backoffLongestMs = 300_000;

/** What is asked of one step. */
export interface Step {
  readonly name: string;
  readonly kind: StepKind;
  /** Text of all that it is asked with. */
  readonly about: string;
  /** What it does can be found out again (a command's record, a clock): it is stored with whatever is stored next, and not before. */
  readonly isFound: boolean;
  /** The run that it calls, whose end is asked for with that of this one. */
  readonly child?: string | undefined;
  readonly retry?: StepRetry | undefined;
}

/** Of a step that answers nothing. */
export const nothing: Outcome = { result: "null" };

/** Of a step that waited for a message: one that came has an id; time that is up has none. */
export function dataOf({ message, outcome }: StepRecord): string | undefined {
  return message === undefined || outcome === undefined || !("result" in outcome) ? undefined : outcome.result;
}

/** What the step answered, or the fault that it ended in. */
export function answerOf(outcome: Outcome): unknown {
  if ("fault" in outcome) throw faultFromRecord(outcome.fault);
  return JSON.parse(outcome.result);
}

/** The result as it is stored. Raises `kernel.resultTooLarge`. */
export function textOf({ name }: Step, result: unknown): string {
  const text = JSON.stringify(result ?? null);
  const bytes = Buffer.byteLength(text);
  if (bytes > resultBytesMax) throw kernelFaults.resultTooLarge({ step: name, bytes, bytesMax: resultBytesMax });
  return text;
}

/** When the step goes on: what is long past is as good as 1970. Throws what is no time, before it gets among what other runs store. */
export function timeOf({ name }: Step, at: number): number {
  if (at <= timeMax) return Math.max(0, at);
  throw new RangeError(
    `the step "${name}" waits until ${at}, which is no time before the year 10000; leave withinMs out to wait for ever`,
  );
}

/** How often a step was tried, and what becomes of it: it ends in `given`, or is tried again when it is due. */
type Judged =
  | { readonly attempts: number; readonly given: Fault; readonly dueAt?: undefined }
  | { readonly attempts: number; readonly given?: undefined; readonly dueAt: number };

/** A fault that stays one is the step's outcome; anything else is tried again, until it is given up. An outage counts as no try. */
export function judgeTry(
  step: Step,
  { attempts: before, beganAt }: StepRecord,
  { error, now }: { readonly error: unknown; readonly now: number },
): Judged {
  const { attemptsMax = 10, withinMs = Number.POSITIVE_INFINITY } = step.retry ?? {};
  const isOutage = isFault(error) && (error.kind === "unavailable" || kernelFaults.pending.is(error));
  const attempts = before + (isOutage ? 0 : 1);
  const elapsedMs = now - beganAt;
  const isFinal = isFault(error) && error.retry === "no" && step.kind !== "undo";
  if (isFinal || attempts >= attemptsMax || elapsedMs >= withinMs)
    return { attempts, given: isFault(error) ? error : stepFailed(step, attempts, error) };
  const longest = Math.min(
    backoffLongestMs,
    isOutage ? Math.max(backoffFirstMs, elapsedMs) : backoffFirstMs * 2 ** attempts,
  );
  const waitMs = Math.min(longest / 2 + (Math.random() * longest) / 2, Math.max(1, withinMs - elapsedMs));
  return { attempts, dueAt: now + waitMs };
}

function stepFailed({ name }: Step, attempts: number, error: unknown): Fault {
  const text = error instanceof Error ? error.message : String(error);
  return kernelFaults.stepFailed({ step: name, attempts, error: text }, { cause: error });
}
