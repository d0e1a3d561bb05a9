export { sourcesService } from "./service.ts";
