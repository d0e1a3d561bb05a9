export { shownUrl } from "../call/shown-url.ts";
export { asked, kvAnswerMs } from "./asked.ts";
export type { Bucket, KeyValues, Kv, KvTraits, Lock, Standing } from "./kv.ts";
export { kvFaults } from "./kv-faults.ts";
export { Listeners } from "./listeners.ts";
