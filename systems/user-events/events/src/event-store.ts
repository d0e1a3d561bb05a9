import { type DocumentQuery, type DocumentSet, defineCollection } from "@banyan/kernel/documents";
import { isoOf, type UserEvent } from "@banyan/user-events-formats";
import * as z from "zod";
import { keepDays, StoredEvent } from "./contract.ts";

/** A stored event as it is kept: its times are milliseconds since 1970, by which it is found and ordered. */
const EventDocument = StoredEvent.extend({ occurredAt: z.int(), receivedAt: z.int(), sentAt: z.int().nullable() });
export type EventDocument = z.infer<typeof EventDocument>;

/** Events by the order in which they happened, and those of one moment by their place in the log. */
export const eventDocuments = defineCollection("events.event", {
  schema: EventDocument,
  key: ["source", "eventId"],
  day: "receivedAt",
  keepDays,
  order: ["occurredAt", "partition", "offset"],
  indexes: ["type", "userId", "anonymousId"],
});

/** What pages of events are asked by. */
export type EventFilter = Pick<DocumentQuery<EventDocument>, "where" | "from" | "to">;

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
  stored: DocumentSet<EventDocument>,
  placed: readonly PlacedEvent[],
): Promise<Set<string>> {
  const verdicts = await stored.insert(placed.map((one) => ({ document: storedOf(one), insertion: placeOf(one) })));
  return new Set(placed.filter((_, index) => verdicts[index] === "inserted").map(placeOf));
}

function storedOf({ event, partition, offset, schema }: PlacedEvent): EventDocument {
  const { run: _, ...rest } = event;
  return { ...rest, partition, offset, schema };
}

/** The event as it is told. */
export function toldOf({ occurredAt, receivedAt, sentAt, ...event }: EventDocument): StoredEvent {
  return {
    ...event,
    occurredAt: isoOf(occurredAt),
    receivedAt: isoOf(receivedAt),
    sentAt: sentAt === null ? null : isoOf(sentAt),
  };
}

/** A place in the log as one text. */
export function placeOf({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}:${offset}`;
}
