export { createDestinationsService, type DestinationsOptions } from "./service.ts";
