export { createPostgresKv, type PostgresKv, type PostgresKvOptions } from "./postgres-kv.ts";
