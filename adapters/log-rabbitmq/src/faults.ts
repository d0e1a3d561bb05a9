import { isFault } from "@banyan/kernel";
import { logFaults } from "@banyan/kernel/log";

/** 403 ACCESS_REFUSED, 404 NOT_FOUND, 406 PRECONDITION_FAILED. https://www.rabbitmq.com/docs/channels#error-handling */
export function replyCodeOf(error: unknown): number | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "number" ? code : undefined;
}

/** What the log raises for what the client raised while it set up what it needs. The server names what differs. */
export function faultOf(cause: unknown): Error {
  if (isFault(cause)) return cause;
  const code = replyCodeOf(cause);
  if (code !== 403 && code !== 406) return logFaults.unavailable(undefined, { cause });
  const [, said = String(cause)] = /with message "(.*)"$/s.exec((cause as Error).message) ?? [];
  return logFaults.misconfigured({ reason: `RabbitMQ says: ${said}` }, { cause });
}
