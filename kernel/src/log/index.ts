export { shownUrl } from "../call/shown-url.ts";
export { AppendQueue, type AppendQueueOptions } from "./append-queue.ts";
export { cloudEventOf, eventOf } from "./cloud-event.ts";
export { InProcessLog } from "./in-process.ts";
export type {
  ConsumeOptions,
  Log,
  LogConsumer,
  LogGroup,
  LogMessage,
  LogReceiver,
  LogTraits,
  ReadOptions,
  Receipt,
  ReceivedMessage,
} from "./log.ts";
export { logFaults } from "./log-faults.ts";
export { Progress, type ProgressOptions } from "./progress.ts";
