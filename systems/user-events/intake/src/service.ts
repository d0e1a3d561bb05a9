import { batched, implement } from "@banyan/kernel";
import { intake } from "./contract.ts";
import { readAppended, readHeads } from "./read-heads.ts";
import { takeBatch, takeCloudEvents, takeImport, takeSingle, takeSnowplow } from "./take-events.ts";

/** Batches are large by themselves; of more of them one transaction would hold too much. */
const batchesMax = 16;

/** The way in for events, on the service's own table and the log. */
export const intakeService = implement(intake, {
  migrations: new URL("../sql/", import.meta.url),
  usesKv: true,
  commands: {
    track: batched(takeSingle("track")),
    identify: batched(takeSingle("identify")),
    page: batched(takeSingle("page")),
    screen: batched(takeSingle("screen")),
    group: batched(takeSingle("group")),
    alias: batched(takeSingle("alias")),
    batch: batched(takeBatch, { itemsMax: batchesMax }),
    t: batched(takeSingle("track")),
    i: batched(takeSingle("identify")),
    p: batched(takeSingle("page")),
    s: batched(takeSingle("screen")),
    g: batched(takeSingle("group")),
    a: batched(takeSingle("alias")),
    b: batched(takeBatch, { itemsMax: batchesMax }),
    snowplow: batched(takeSnowplow, { itemsMax: batchesMax }),
    cloudEvents: batched(takeCloudEvents, { itemsMax: batchesMax }),
    import: batched(takeImport, { itemsMax: batchesMax }),
  },
  queries: { heads: readHeads, appended: readAppended },
});
