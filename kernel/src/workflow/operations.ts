import { uuidv7 } from "../call/ids.ts";
import { nearest } from "../call/nearest.ts";
import type { Runtime } from "../call/runtime.ts";
import type { AnySignal, AnyWorkflow } from "../contract/action.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { validateNow } from "../contract/schema.ts";
import type { RunFilter, RunReport, RunStanding, RunStore, StoredRun } from "../store/workflows.ts";
import type { Divergence } from "./divergence.ts";
import { historyOf, type RunHistory, storedRun } from "./history.ts";
import { signalTopic } from "./topics.ts";

/** How the runs of one workflow stand. */
export interface WorkflowStanding extends RunStanding {
  /** Runs that waited when this process started, the newest 1,000 looked at, and that its code cannot go on with: each was reported. */
  readonly differing: number;
}

/** What those ask of workflows who run the application. */
export interface WorkflowOperations {
  /** Runs of all processes, the newest first. */
  list(filter?: RunFilter): Promise<readonly RunReport[]>;
  /** Of the workflows that run here. */
  standing(): Promise<readonly WorkflowStanding[]>;
  /** A run with its steps and what they wait for; undefined where it is unknown. */
  show(run: string): Promise<RunHistory | undefined>;
  /**
   * Runs the code of a workflow against what a run went through, as far as that goes; nothing is done. Answers the step that differs and
   * how, or undefined. For tests of stored histories: the application need not be started.
   */
  replay(history: RunHistory): Promise<{ readonly step: string; readonly why: string } | undefined>;
  /** The run, and one that it waits for, begin nothing new, undo what they did, and end in `kernel.runCancelled`. Raises `kernel.unknownRun`. */
  cancel(run: string): Promise<void>;
  /**
   * A run that is stuck, or waits to try again, does so now, with all its tries before it. `from` names a step from which on it forgets what
   * was kept of its steps; commands that took effect stay so, by their keys. Raises `kernel.unknownRun`.
   */
  retry(run: string, from?: string): Promise<void>;
  /**
   * The time that a run waits for has come: its timers fire now, and what it waits to hear is late. For tests, which cannot wait a week. Raises
   * `kernel.unknownRun` where it does not wait.
   */
  skipTime(run: string): Promise<void>;
  /**
   * Tells a run something that its workflow declares among its signals. Raises `kernel.unknownRun`, `kernel.unknownSignal`,
   * `kernel.invalidInput`.
   */
  signal(run: string, signal: string, data: unknown): Promise<void>;
}

interface Operated {
  readonly runtime: Runtime;
  readonly workflows: readonly AnyWorkflow[];
  store(): RunStore;
  standing(): Promise<readonly WorkflowStanding[]>;
  replay(run: StoredRun): Promise<Divergence | undefined>;
}

export function workflowOperations({ runtime, workflows, store, standing, replay }: Operated): WorkflowOperations {
  const known = (run: string, found: boolean): void => {
    if (!found) throw kernelFaults.unknownRun({ run });
    runtime.wakeJobs();
  };
  return {
    list: async (filter = {}) => store().list(filter),
    standing,
    async show(run) {
      const [found] = await store().load([run]);
      return found === undefined ? undefined : historyOf(found);
    },
    async replay(history) {
      const differs = await replay(storedRun(history));
      return differs === undefined ? undefined : { step: differs.step, why: differs.message };
    },
    cancel: async (run) => known(run, await store().cancel(run)),
    retry: async (run, from) => known(run, await store().retry(run, from)),
    skipTime: async (run) => known(run, await store().skipTime(run)),
    async signal(run, name, data) {
      const [found] = await store().load([run]);
      if (found === undefined || found.outcome !== undefined) throw kernelFaults.unknownRun({ run });
      const signal = signalOf(workflows, found.type, name);
      const value = validateNow(signal.data, data, (issues) =>
        kernelFaults.invalidInput({ action: signal.id, issues }),
      );
      const topic = signalTopic(signal.id, run);
      await store().send([{ id: uuidv7(runtime.clock.now()), topic, data: JSON.stringify(value) }]);
      runtime.wakeJobs();
    },
  };
}

function signalOf(workflows: readonly AnyWorkflow[], type: string, name: string): AnySignal {
  const signals = (workflows.find(({ id }) => id === type)?.signals ?? {}) as Readonly<Record<string, AnySignal>>;
  const signal = Object.hasOwn(signals, name) ? signals[name] : undefined;
  if (signal === undefined)
    throw kernelFaults.unknownSignal({ id: `${type}.${name}`, nearest: nearest(name, Object.keys(signals)) });
  return signal;
}
