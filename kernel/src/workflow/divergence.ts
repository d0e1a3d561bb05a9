/** The code of a workflow takes another way than the history of a run: a bug, which only other code can mend. */
export class Divergence extends Error {
  /** The step that differs. */
  readonly step: string;
  constructor(step: string, why: string) {
    super(`the step "${step}" ${why}`);
    this.name = "Divergence";
    this.step = step;
  }
}

/** What this code does, and the run's history does not have. */
export const divergence = {
  twice: (step: string) =>
    new Divergence(step, "is named twice in one run; a loop names its steps by what it loops over"),
  otherKind: (step: string, was: string, is: string) =>
    new Divergence(step, `was a "${was}" in this run and is a "${is}" now`),
  otherInput: (step: string) =>
    new Divergence(step, "was asked for something else in this run: what comes before it is not the same again"),
  unreached: (step: string) =>
    new Divergence(step, "was taken by this run, and this code does not come to it; keep it for runs of that version"),
} as const;
