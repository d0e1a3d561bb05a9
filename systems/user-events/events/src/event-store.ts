import { type DocumentQuery, type DocumentSet, defineCollection } from "@banyan/kernel/documents";
import type { UserEvent } from "@banyan/user-events-formats";
import { keepDays, StoredEvent } from "./contract.ts";

/** Events by the order in which they happened, and those of one moment by their place in the log. */
export const eventDocuments = defineCollection("events.event", {
  schema: StoredEvent,
  key: ["source", "eventId"],
  day: "receivedAt",
  keepDays,
  order: ["occurredAt", "partition", "offset"],
  indexes: ["type", "userId", "anonymousId"],
});

/** What pages of events are asked by. */
export type EventFilter = Pick<DocumentQuery<StoredEvent>, "where" | "from" | "to">;

/** An event with its place in the log, and the schema that it fits. */
export interface PlacedEvent {
  readonly event: UserEvent;
  readonly partition: number;
  readonly offset: number;
  readonly schema: string | null;
}

/**
 * Stores the events that are not known yet, and answers the places of those, as "partition:offset". Of several with one id the first
 * counts. An event that is stored again from the same place is the same one: so an engine that commits by itself stores and counts it once.
 */
export async function storeEvents(
  stored: DocumentSet<StoredEvent>,
  placed: readonly PlacedEvent[],
): Promise<Set<string>> {
  const verdicts = await stored.insert(placed.map((one) => ({ document: storedOf(one), insertion: placeOf(one) })));
  return new Set(placed.filter((_, index) => verdicts[index] === "inserted").map(placeOf));
}

function storedOf({ event, partition, offset, schema }: PlacedEvent): StoredEvent {
  const { run: _, ...rest } = event;
  return { ...rest, partition, offset, schema };
}

/** A place in the log as one text. */
export function placeOf({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}:${offset}`;
}
