export type { Outcome } from "../store/outcome.ts";
export type {
  Message,
  NewRun,
  RunChange,
  RunFilter,
  RunReport,
  RunState,
  RunStore,
  RunVerdict,
  StepRecord,
  StoredRun,
} from "../store/workflows.ts";
export type { RecordedStep, RunHistory } from "./history.ts";
