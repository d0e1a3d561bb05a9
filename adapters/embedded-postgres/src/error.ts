/** What stands in the way; each comes with its own advice. */
export type EmbeddedPostgresErrorCode =
  | "platform_unsupported"
  | "binaries_missing"
  | "cache_unusable"
  | "user_unknown"
  | "data_version"
  | "data_owner"
  | "not_writable"
  | "disk_full"
  | "start_failed"
  | "start_timeout"
  | "stop_timeout";

/**
 * Says what happened, why, and what to do; `code` is what programs test.
 * The server's own last words follow the advice where it was the one that refused.
 */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EmbeddedPostgresError";
    this.code = code;
  }
}

const signs: [pattern: RegExp, code: EmbeddedPostgresErrorCode, advice: string][] = [
  [
    /ENOSPC|EDQUOT|No space left on device|quota exceeded/i,
    "disk_full",
    "The disk is full: free some space, then start again.",
  ],
  [
    /could not look up effective user ID|user does not exist/,
    "user_unknown",
    "The uid that runs the server has no name in /etc/passwd, and initdb insists on one: add a line there, run as another user, or set DATABASE_URL.",
  ],
  [
    /EACCES|EPERM|EROFS|Permission denied|Operation not permitted|Read-only file system/i,
    "not_writable",
    "The folder cannot be written or reached by the user that runs the server: change its owner, or choose another data folder.",
  ],
  [
    /(initdb|postgres) ENOENT|postgres: not found|cannot execute|Exec format|error while loading shared libraries|Library not loaded|No such file or directory.*ld-/i,
    "platform_unsupported",
    "The bundled PostgreSQL does not run on this system (musl, or a missing system library): start your own and set DATABASE_URL.",
  ],
];

/** Turns whatever stopped `doing` into an error with a code and advice; keeps the cause. */
export function explain(doing: string, cause: unknown, output = ""): EmbeddedPostgresError {
  if (cause instanceof EmbeddedPostgresError) return cause;
  const text = `${cause instanceof Error ? cause.message : String(cause)}\n${output}`.trim();
  const sign = signs.find(([pattern]) => pattern.test(text));
  const advice = sign?.[2] ?? "See the lines below; the whole log lies in the data folder, postgres.log.";
  return new EmbeddedPostgresError(sign?.[1] ?? "start_failed", `${doing} failed. ${advice}\n${text}`, { cause });
}
