import type { RuleName } from "./rules.ts";

/** A place that may break a rule. An entry that nothing needs any more fails the suite. */
export type Exception = { rule: RuleName; subject: string; reason: string };

/** Every exception from the house rules, with its reason. */
export const allowlist: Exception[] = [
  {
    rule: "portsHaveTwoImplementations",
    subject: "storeConformance",
    reason:
      "The port keeps I/O out of the kernel. Its second implementation is the simulation's store, which runs the same kernel under a seeded scheduler; a mock before that would be a port for the sake of a mock.",
  },
];
