import { events } from "@banyan/user-events-events/contract";
import type { CommandRun } from "./command.ts";

const count = (value: number) => value.toLocaleString("en");

/** `banyan events lag` */
export const lag = {
  summary: "how many events wait to be stored, per partition",
  options: [["--alert-at <count>", "tell events.lagHigh from so many on"]],
  examples: ["banyan events lag", "banyan events lag --json", "banyan events lag --alert-at 50000"],
  async run({ call, options, show }: CommandRun): Promise<void> {
    const { alertAt } = options;
    if (alertAt !== undefined) {
      const set = await call(events.alertAtLag, { alertAt: Number(alertAt) });
      show(set, `events.lagHigh is told from ${count(set.alertAt)} waiting events on.`);
      return;
    }
    const found = await call(events.lag, {});
    const lines = found.partitions.map(
      ({ partition, appended, consumed, lag: behind }) =>
        `partition ${partition}: ${count(behind)} wait (${count(consumed)} of ${count(appended)} are stored)`,
    );
    show(found, [...lines, `${count(found.lag)} events wait to be stored`].join("\n"));
  },
} as const;

/** `banyan events totals` */
export const totals = {
  summary: "received = stored + duplicate + bad + in flight",
  examples: ["banyan events totals", "banyan events totals --json"],
  async run({ call, show }: CommandRun): Promise<void> {
    const found = await call(events.totals, {});
    const { received, stored, duplicate, bad, inFlight } = found;
    const sum = [stored, duplicate, bad].map(count).join(" + ");
    show(found, `received ${count(received)} = stored + duplicate + bad + in flight = ${sum} + ${count(inFlight)}`);
  },
} as const;
