export type { Bucket, KeyValues, Kv, KvTraits, Lock, Standing } from "./kv.ts";
export { kvFaults } from "./kv-faults.ts";
