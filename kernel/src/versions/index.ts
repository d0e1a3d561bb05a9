export { type ContractChange, contractChanges } from "./changes.ts";
export { type Incompatibility, type Reading, unreadable } from "./compatibility.ts";
export { type ContractsSnapshot, snapshotOf } from "./snapshot.ts";
