import { fault, faultType } from "../contract/fault.ts";

/** What a call over a bus, or a bus itself, raises; codes are `bus.<name>`. */
export const busFaults = {
  /** The network, the broker or the node cannot be reached. Nothing was sent. */
  unavailable: faultType<"bus.unavailable", void>("bus.unavailable", {
    ...fault("unavailable"),
    message: () => "the bus cannot reach where it should",
  }),
  /** The way to the node was lost while it had the call. It may have run. */
  uncertain: faultType<"bus.uncertain", void>("bus.uncertain", {
    ...fault("unavailable", undefined, { retry: "unknown" }),
    message: () => "the connection to the node was lost before it answered; the call may have run",
  }),
  /** The input is larger than a call may carry. Nothing was sent. */
  tooLarge: faultType<"bus.tooLarge", { readonly action: string; readonly payloadBytesMax: number }>("bus.tooLarge", {
    ...fault("invalid"),
    message: ({ action, payloadBytesMax }) => `the input of ${action} has more than ${payloadBytesMax} bytes`,
  }),
};
