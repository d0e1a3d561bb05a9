import type { StepRecord, StoredRun } from "../store/workflows.ts";

/** A run as JSON: for people, and for tests that replay it with later code. */
export interface RunHistory extends Omit<StoredRun, "inputHash" | "steps" | "messages"> {
  readonly steps: readonly RecordedStep[];
}

/** A step as JSON: what it was asked and what it waits to hear as hexadecimal digits. */
export interface RecordedStep extends Omit<StepRecord, "digest" | "topic"> {
  readonly digest: string;
  readonly topic: string | undefined;
}

export function historyOf({ inputHash: _, messages: __, ...run }: StoredRun): RunHistory {
  const steps = run.steps.map(({ digest, topic, ...step }) => ({
    ...step,
    digest: hexOf(digest),
    topic: topic === undefined ? undefined : hexOf(topic),
  }));
  return { ...run, steps };
}

/** As it was loaded; JSON leaves undefined out, so that a history may have been a file. */
export function storedRun(history: RunHistory): StoredRun {
  const steps = history.steps.map((step) => ({
    ...step,
    digest: Buffer.from(step.digest, "hex"),
    topic: step.topic === undefined ? undefined : Buffer.from(step.topic, "hex"),
  }));
  return { ...history, inputHash: new Uint8Array(), messages: [], steps };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
