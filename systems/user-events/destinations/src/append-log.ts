import { createHash } from "node:crypto";
import type { Log } from "@banyan/kernel/log";
import type { StoredEvent } from "@banyan/user-events-events/contract";

/** Appends events as CloudEvents 1.0, those of one source and person in order. One that is appended again has the same id. */
export function appendToLog(log: Log, events: readonly StoredEvent[]): Promise<void> {
  return log.append(
    events.map((event) => {
      const { source, eventId, type, userId, anonymousId, occurredAt } = event;
      const id = idOf(`${source}\0${eventId}`);
      const envelope = {
        specversion: "1.0",
        id,
        source: `/user-events/${source}`,
        type: `userEvents.${type}`,
        time: occurredAt,
        datacontenttype: "application/json",
        data: event,
      };
      const key = `${source}/${anonymousId ?? userId}`;
      return { id, type: `userEvents.${type}`, key, body: Buffer.from(JSON.stringify(envelope)) };
    }),
  );
}

/** A UUID of version 8 (RFC 9562): the same for the same text. */
function idOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
