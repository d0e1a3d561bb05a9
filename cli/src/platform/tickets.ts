import type { TicketQueue } from "@banyan/kernel/jobs";
import type { Environment } from "../project/environment.ts";

/** What hands out jobs as BANYAN_QUEUE says, not open yet; undefined where none is set, and the database does. */
export async function ticketsOf({
  BANYAN_QUEUE: url,
  BANYAN_NAMESPACE: namespace,
}: Pick<Environment, "BANYAN_QUEUE" | "BANYAN_NAMESPACE">): Promise<TicketQueue | undefined> {
  if (url === undefined) return undefined;
  const { createBullTickets } = await import("@banyan/queue-bullmq");
  return createBullTickets({ url, ...(namespace !== undefined && { namespace }) });
}
