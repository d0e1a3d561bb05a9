export { connect } from "./connection.ts";
export { SqlError } from "./failure.ts";
export { tooOld } from "./server-version.ts";
export { statement } from "./statement.ts";
export { createPostgresStore, type PostgresStoreOptions } from "./store/store.ts";
