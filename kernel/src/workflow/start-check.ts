import type { NewRun, RunStore, StoredRun } from "../store/workflows.ts";
import type { Divergence } from "./divergence.ts";

/** The newest of each workflow: a start is no second life for all of them. */
const runsMax = 1_000;
const pageRuns = 50;

interface Surroundings {
  readonly runs: RunStore;
  replay(run: StoredRun): Promise<Divergence | undefined>;
  report(run: StoredRun, divergence: Divergence): void;
}

/**
 * Replays runs that wait, once after a start and beside all else, so that one that this code cannot go on with is named before it is due.
 * Nothing of it is changed: other code may go on with it.
 */
export class StartCheck {
  private readonly surroundings: Surroundings;
  private readonly differing = new Map<string, number>();
  private isStopped = false;

  constructor(surroundings: Surroundings) {
    this.surroundings = surroundings;
  }

  start(workflows: readonly Pick<NewRun, "type" | "version">[]): void {
    // Where the store does not answer, a run is named when it is due.
    void this.check(workflows).catch(() => {});
  }

  stop(): void {
    this.isStopped = true;
  }

  /** How many runs of the workflow were found that this code cannot go on with. */
  differingOf(type: string): number {
    return this.differing.get(type) ?? 0;
  }

  private async check(workflows: readonly Pick<NewRun, "type" | "version">[]): Promise<void> {
    const { runs } = this.surroundings;
    for (const { type, version } of workflows) {
      const waiting = await runs.list({ type, state: "waiting", limit: runsMax });
      const ids = waiting.filter((run) => run.version <= version).map(({ id }) => id);
      while (ids.length > 0 && !this.isStopped) {
        for (const run of await runs.load(ids.splice(0, pageRuns))) await this.look(run);
      }
    }
  }

  private async look(run: StoredRun): Promise<void> {
    const { replay, report } = this.surroundings;
    if (run.outcome !== undefined || this.isStopped) return;
    const divergence = await replay(run);
    if (divergence === undefined) return;
    this.differing.set(run.type, this.differingOf(run.type) + 1);
    report(run, divergence);
  }
}
