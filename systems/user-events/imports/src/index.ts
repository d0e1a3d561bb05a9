import { importEvents } from "./import-events.ts";

export { importEvents };

/** The importers of `banyan import`, by name. */
export const userEventsImporters = {
  events: { summary: "Events: NDJSON, click streams, web server logs", run: importEvents },
};
