import { fault, faultType } from "../contract/fault.ts";

/** What any log raises; codes are `log.<name>`. */
export const logFaults = {
  /** The engine cannot be reached, or went away in the middle: some of what was to be kept may be kept. */
  unavailable: faultType<"log.unavailable", void>("log.unavailable", {
    ...fault("unavailable"),
    message: () => "the log does not answer",
  }),
  /** The engine does not take this message, and never will. Of the others in the call some may be kept. */
  refused: faultType<"log.refused", { readonly id: string; readonly reason: string }>("log.refused", {
    ...fault("invalid"),
    message: ({ id, reason }) => `the log does not take the message ${id}: ${reason}`,
  }),
  /** What is there under our names is not what we need: somebody else made it, or an older version of ours. */
  misconfigured: faultType<"log.misconfigured", { readonly reason: string }>("log.misconfigured", {
    ...fault("conflict"),
    message: ({ reason }) => reason,
  }),
} as const;
