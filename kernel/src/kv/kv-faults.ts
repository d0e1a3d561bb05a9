import { fault, faultType } from "../contract/fault.ts";

/** What any engine of keys and values raises; codes are `kv.<name>`. */
export const kvFaults = {
  /** The engine cannot be reached, or went away in the middle: what was asked may have been done. */
  unavailable: faultType<"kv.unavailable", void>("kv.unavailable", {
    ...fault("unavailable", undefined, { retry: "unknown" }),
    message: () => "the keys and values cannot be reached",
  }),
  /** A message that is longer than the engine publishes. */
  tooLarge: faultType<"kv.tooLarge", { readonly bytesMax: number }>("kv.tooLarge", {
    ...fault("invalid"),
    message: ({ bytesMax }) => `a message has ${bytesMax} bytes at most`,
  }),
  /** What is there under our names is not what we need, or we may not use it. */
  misconfigured: faultType<"kv.misconfigured", { readonly reason: string }>("kv.misconfigured", {
    ...fault("conflict"),
    message: ({ reason }) => reason,
  }),
} as const;
