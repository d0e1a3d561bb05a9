import { defineConfig } from "@banyan/cli";
import { createDestinationsService } from "@banyan/user-events-destinations";
import { eventsService } from "@banyan/user-events-events";
import { intakeService } from "@banyan/user-events-intake";
import { sourcesService } from "@banyan/user-events-sources";
import { destinationsFolder } from "./destinations-folder.ts";

/** Intake alone, what it is told by and what tells of it together, the gateway apart: three processes. */
export default defineConfig({
  title: "User Events' journeys",
  services: [sourcesService, intakeService, eventsService, createDestinationsService({ folder: destinationsFolder })],
  processes: { storing: { services: ["sources", "events"] } },
});
