/** The client's error without the command that failed: neither what it was to write nor the password in HELLO may get into logs. */
export function withoutCommand<E>(error: E): E {
  if (error instanceof Error && "command" in error) delete error.command;
  return error;
}
