export type { Outcome } from "../store/outcome.ts";
export {
  jobTypeOf,
  jobTypesOf,
  type Message,
  type NewRun,
  type RunChange,
  type RunClaim,
  type RunFilter,
  type RunReport,
  type RunStanding,
  type RunState,
  type RunStore,
  type RunVerdict,
  type StepRecord,
  type StoredRun,
} from "../store/workflows.ts";
export type { RecordedStep, RunHistory } from "./history.ts";
export { withRuns, workflowRuns } from "./served/contract.ts";
