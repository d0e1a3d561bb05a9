export { createJetStreamLog, type JetStreamLog } from "./jetstream-log.ts";
export type { JetStreamLogOptions } from "./options.ts";
