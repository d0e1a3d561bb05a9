import { defineConfig } from "@banyan/cli";
import { createBasicAuthenticator } from "@banyan/gateway";
import { userEventsCommands } from "@banyan/user-events-commands";
import { createDestinationsService } from "@banyan/user-events-destinations";
import { eventsService } from "@banyan/user-events-events";
import { events } from "@banyan/user-events-events/contract";
import { userEventsImporters } from "@banyan/user-events-imports";
import { identifySource, intakeService } from "@banyan/user-events-intake";
import { sourcesService } from "@banyan/user-events-sources";

/** User Events: every service in one process, or each in one of its own with `--topology split`. */
export default defineConfig({
  title: "User Events",
  version: "0.1.0",
  services: [sourcesService, intakeService, eventsService, createDestinationsService({ folder: "destinations" })],
  authenticators: async (call) => [
    createBasicAuthenticator(({ userName }) => identifySource((action, input) => call(action, input), userName)),
  ],
  // Pages of any origin track; they show a write key, and no cookie is looked at.
  corsOrigins: ["*"],
  importers: userEventsImporters,
  commands: { events: userEventsCommands },
  checks: [events.verify],
  gauges: [events.totals],
  examples: ({ url, key }) => [
    `npx banyan call sources.create '{"id":"shop"}'`,
    `curl -u WRITE_KEY: -H 'content-type: application/json' -d '{"event":"Order Completed","userId":"ann"}' ${url}/v1/track`,
    `curl -H "Authorization: Bearer ${key}" ${url}/v1/events`,
    "npx banyan events tail",
    "npx banyan verify",
  ],
});
