export { command, event, job, query, type Received, type Returned, type Sent } from "./contract/action.ts";
export { type AnyContract, defineContract, faultOf } from "./contract/contract.ts";
export { Fault, fault, isFault } from "./contract/fault.ts";
export { kernelFaults } from "./contract/kernel-faults.ts";
export type { CommandContext, EventContext, JobContext, QueryContext } from "./service/context.ts";
export { type Identity, systemIdentity } from "./service/identity.ts";
export {
  type BatchHandler,
  batched,
  type EventHandler,
  type Handler,
  implement,
  on,
  type Service,
} from "./service/service.ts";
export type { Sql } from "./store/sql.ts";
