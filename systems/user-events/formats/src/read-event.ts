import { readCloudEvent } from "./cloud-events.ts";
import type { Collected, RefusedEvent } from "./event.ts";
import type { Arrival } from "./judge.ts";
import { readSegment } from "./segment.ts";
import { readSnowplow } from "./snowplow.ts";

const readers = { segment: readSegment, snowplow: readSnowplow, cloudevents: readCloudEvent };

/** Reads one arrival by the rules of its format. */
export function readEvent(format: RefusedEvent["format"], raw: unknown, arrival: Arrival): Collected {
  return readers[format](raw, arrival);
}
