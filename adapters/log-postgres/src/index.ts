export { createPostgresLog, type PostgresLog, type PostgresLogOptions } from "./postgres-log.ts";
