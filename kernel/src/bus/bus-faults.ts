import { fault, faultType } from "../contract/fault.ts";

/** What any bus raises; codes are `bus.<name>`. */
export const busFaults = {
  /** The network, the broker or the node cannot be reached. Nothing was sent. */
  unavailable: faultType<"bus.unavailable", void>("bus.unavailable", {
    ...fault("unavailable"),
    message: () => "the bus cannot reach where it should",
  }),
};
