export { statementsService } from "./service.ts";
