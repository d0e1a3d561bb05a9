export { type ContractChange, contractChanges } from "./changes.ts";
export { type ContractsSnapshot, snapshotOf } from "./snapshot.ts";
