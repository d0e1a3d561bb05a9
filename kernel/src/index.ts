export { command, event, job, query, type Received, type Returned, type Sent, workflow } from "./contract/action.ts";
export { defineContract } from "./contract/contract.ts";
export { Fault, fault, isFault } from "./contract/fault.ts";
export { kernelFaults } from "./contract/kernel-faults.ts";
export type { Identity } from "./service/identity.ts";
export { pageOf } from "./service/page.ts";
export {
  type BatchHandler,
  batched,
  type EventHandler,
  type EventsHandler,
  type Handler,
  implement,
  on,
  onMany,
  type Service,
} from "./service/service.ts";
export type { Sql } from "./store/sql.ts";
