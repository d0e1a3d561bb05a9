export { identifySource } from "./find-source.ts";
export { intakeService } from "./service.ts";
