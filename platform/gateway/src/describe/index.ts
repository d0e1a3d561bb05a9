export { routeTable } from "../routes/route-table.ts";
export { asyncApiDocument } from "./asyncapi.ts";
export { openApiDocument } from "./openapi.ts";
