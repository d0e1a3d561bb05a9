import type { StoredEvent } from "@banyan/user-events-events/contract";
import { instantOf } from "@banyan/user-events-formats";
import type { Filter } from "./schemas.ts";

/** Whether an event is one of those that a filter lets through. */
export function matches({ types, names, sources, from, to }: Filter, event: StoredEvent): boolean {
  return (
    (types.length === 0 || types.includes(event.type)) &&
    (names.length === 0 || (event.name !== null && names.includes(event.name))) &&
    (sources.length === 0 || sources.includes(event.source)) &&
    (from === undefined || Date.parse(event.occurredAt) >= (instantOf(from) ?? 0)) &&
    (to === undefined || Date.parse(event.occurredAt) < (instantOf(to) ?? 0))
  );
}
