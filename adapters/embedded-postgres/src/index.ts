export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from "./error.ts";
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  type EmbeddedPostgresTimings,
  prepareEmbeddedPostgres,
  startEmbeddedPostgres,
} from "./start.ts";
export type { Outage } from "./supervise.ts";
