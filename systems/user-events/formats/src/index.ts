export { readCloudEvent } from "./cloud-events.ts";
export {
  batchBytesMax,
  type Collected,
  eventBytesMax,
  eventTypes,
  RefusedEvent,
  refusalReasons,
  UserEvent,
} from "./event.ts";
export { instantOf, isoOf } from "./instant.ts";
export { compileSchema } from "./json-schema.ts";
export type { Arrival } from "./judge.ts";
export { type Line, readLine } from "./lines.ts";
export { type PseudonymKey, pseudonymised, pseudonymOf } from "./pseudonyms.ts";
export { readEvent } from "./read-event.ts";
export { type Repeated, refuseRepeated, repeatedKeys } from "./repeated.ts";
export { readSegment } from "./segment.ts";
export { readSnowplow } from "./snowplow.ts";
