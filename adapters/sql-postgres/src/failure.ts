import { isFault, storeFaults } from "@banyan/kernel/store";

type StoreFault = ReturnType<(typeof storeFaults)[keyof typeof storeFaults]>;

export interface SqlErrorDetails {
  /** SQLSTATE: five characters, from PostgreSQL's appendix A. Limits of this package use the fitting one. */
  readonly code: string;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  /** Text of the statement that failed. Values are never kept. */
  readonly statement?: string | undefined;
  readonly cause?: unknown;
}

/** A statement that Postgres refused: test `code` and `constraint`, never the message. Its transaction can only be rolled back. */
export class SqlError extends Error {
  readonly code: string;
  readonly constraint: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly statement: string | undefined;

  constructor(message: string, details: SqlErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "SqlError";
    this.code = details.code;
    this.constraint = details.constraint;
    this.table = details.table;
    this.column = details.column;
    this.statement = details.statement;
  }
}

/** What a batch, a connection or the pool fails with. */
export type SqlFailure = SqlError | StoreFault;

/** An error response of the server, as `pg` hands it over. */
export interface ErrorResponse extends Error {
  readonly severity?: string | undefined;
  readonly code?: string | undefined;
  readonly schema?: string | undefined;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  /** In characters of the statement, from 1. */
  readonly position?: string | undefined;
}

/**
 * Translates an error response: a fault of the store where the statement is not to blame, else a SqlError.
 * The server's `detail` is left out on purpose: it quotes values.
 */
export function refusedStatement(response: ErrorResponse, statement: string, mayHaveCommitted: boolean): SqlFailure {
  const { code = "XX000", schema, constraint, table, column, message } = response;
  const error = new SqlError(`${message} (SQLSTATE ${code})`, { code, constraint, table, column, statement });
  switch (code) {
    case "40001": // serialization_failure
    case "40P01": // deadlock_detected
    case "55P03": // lock_not_available
      return storeFaults.contended(undefined, { cause: error });
    case "57014": // query_canceled
    case "25P04": // transaction_timeout
      return storeFaults.deadline(undefined, { cause: error });
    case "BY001": // raised by banyan.complete_jobs and banyan.hold_runs
      return storeFaults.stale(undefined, { cause: error });
    case "53100": // disk_full
    case "25006": // read_only_sql_transaction
      return storeFaults.full(undefined, { cause: error });
    default:
      break;
  }
  if (code === "23505" && schema === "banyan" && table?.startsWith("inbox_"))
    return storeFaults.handled(undefined, { cause: error });
  if (isStalePlan(error)) return storeFaults.contended(undefined, { cause: error });
  // Connection exceptions, insufficient resources, operator intervention, system errors: the server's, not the statement's.
  return /^(08|53|57|58|25P03)/.test(code) ? lostConnection(error, mayHaveCommitted) : error;
}

/** A connection that broke: nothing was done, or nobody knows. */
export function lostConnection(cause: unknown, mayHaveCommitted: boolean): StoreFault {
  return mayHaveCommitted ? storeFaults.uncertain(undefined, { cause }) : storeFaults.unavailable(undefined, { cause });
}

/** True for the errors of a prepared statement that DDL, DISCARD or a pooler made unusable; preparing it again helps. */
export function isStalePlan(failure: SqlFailure): boolean {
  const error = isFault(failure) ? failure.cause : failure;
  if (!(error instanceof SqlError)) return false;
  return error.code === "26000" || (error.code === "0A000" && error.message.startsWith("cached plan"));
}

/** Whether `error` says that the named unique index holds the value already. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return error instanceof SqlError && error.code === "23505" && error.constraint === constraint;
}
