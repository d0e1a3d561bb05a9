export { fxService } from "./service.ts";
