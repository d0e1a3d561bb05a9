export { BEGIN, COMMIT, connect, ROLLBACK } from "./connection.ts";
export { SqlError } from "./failure.ts";
export { migrate } from "./migrate.ts";
export { createPool } from "./pool.ts";
export { sql, statement } from "./statement.ts";
export { createPostgresStore, type PostgresStoreOptions } from "./store/store.ts";
