import { setTimeout as pause } from "node:timers/promises";
import type { Received, Returned } from "@banyan/kernel";
import { events } from "@banyan/user-events-events/contract";
import { type CommandRun, fieldsOf, moment } from "./command.ts";

type Live = Returned<typeof events.live>["events"][number];

const everyMs = 250;

/** `banyan events tail` */
export const tail = {
  summary: "show events as they are stored or refused, until Ctrl-C",
  options: [
    ["--source <id>", "only of this source"],
    ["--type <type>", "only of this type, as track; leaves out what is refused"],
    ["--name <name>", "only of this name; leaves out what is refused"],
  ],
  examples: [
    "banyan events tail",
    "banyan events tail --source shop --name 'Order Completed'",
    "banyan events tail --json",
  ],
  async run(run: CommandRun): Promise<void> {
    const wanted = fieldsOf<Partial<Pick<Received<typeof events.live>, "source" | "type" | "name">>>(run, [
      "source",
      "type",
      "name",
    ]);
    let { next } = await run.call(events.live, wanted);
    while (!run.signal.aborted) {
      const page = await run.call(events.live, { ...wanted, after: next });
      next = page.next;
      if (page.skipped > 0) run.show({ skipped: page.skipped }, `… ${page.skipped} more came than can be shown`);
      for (const event of page.events) run.show(event, lineOf(event));
      await pause(everyMs, undefined, { signal: run.signal }).catch(() => {});
    }
  },
} as const;

function lineOf({
  outcome,
  source,
  type,
  name,
  userId,
  anonymousId,
  eventId,
  reason,
  detail,
  receivedAt,
}: Live): string {
  const at = moment(receivedAt);
  if (outcome === "bad") return [at, "bad   ", source, eventId ?? "-", `${reason}: ${detail}`].join("  ");
  return [at, "stored", source, type, name ?? "-", userId ?? anonymousId, eventId].join("  ");
}
