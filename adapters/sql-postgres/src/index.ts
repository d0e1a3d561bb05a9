export { connect } from "./connection.ts";
export { SqlError } from "./failure.ts";
export { statement } from "./statement.ts";
export { createPostgresStore, type PostgresStoreOptions } from "./store/store.ts";
