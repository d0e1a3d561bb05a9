import { defineConfig } from "@banyan/cli";
import { eventsService } from "@banyan/user-events-events";
import { intakeService } from "@banyan/user-events-intake";
import { sourcesService } from "@banyan/user-events-sources";

/** Intake alone, what it is told by and what tells of it together, the gateway apart: three processes. */
export default defineConfig({
  title: "User Events' journeys",
  services: [sourcesService, intakeService, eventsService],
  processes: { storing: { services: ["sources", "events"] } },
});
