export { isFault } from "../contract/fault.ts";
export type { CompiledSql, Sql } from "./sql.ts";
export {
  AlreadyRecorded,
  type Budget,
  type Closing,
  type CommandKey,
  type CommandRecord,
  type CommandTransaction,
  type Committed,
  type DeadLetter,
  type DeadLetters,
  type DeliveryTransaction,
  type Hearing,
  type MigratedService,
  type NewEvent,
  type Outbox,
  type OutboxEvent,
  type Refold,
  type Retention,
  type Store,
  type StoredEvent,
  type StoredSubscriptions,
  type Transaction,
} from "./store.ts";
export { storeFaults } from "./store-faults.ts";
