import { describe } from "vitest";
import { childClauses } from "./workflows/children.ts";
import { openWorkflows, type WorkflowHarness } from "./workflows/harness.ts";
import { stepClauses } from "./workflows/steps.ts";
import { undoClauses } from "./workflows/undo.ts";
import { waitClauses } from "./workflows/waits.ts";

export type { WorkflowHarness } from "./workflows/harness.ts";

/** What workflows promise on any store. The letters are those of course.ts (K), workflows.ts (F) and store/workflows.ts (W). */
export function describeWorkflows(name: string, open: () => Promise<WorkflowHarness>): void {
  describe(`workflows on ${name}`, () => {
    const started = openWorkflows(open);
    stepClauses(started);
    undoClauses(started);
    waitClauses(started);
    childClauses(started);
  });
}
