export { payoutsService } from "./service.ts";
