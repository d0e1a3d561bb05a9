export { merchantsService } from "./service.ts";
