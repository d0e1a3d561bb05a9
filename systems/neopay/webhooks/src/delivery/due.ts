import type { Handler } from "@banyan/kernel";
import { signedHeaders } from "@banyan/webhooks";
import type { webhooks } from "../contract.ts";

interface DueRow {
  readonly status: string;
  readonly turn: number;
  readonly message: string;
  readonly body: string;
  readonly endpoint: string;
  readonly endpoint_status: string;
  readonly url: string;
  readonly secret: Buffer;
  readonly old_secret: Buffer | null;
  readonly old_secret_until: Date | null;
}

/** Signs here, so that no secret leaves the tables of this service but in the answer that shows it. */
export const readDue: Handler<typeof webhooks.due> = async (ctx, { id, turn }) => {
  const [row] = await ctx.sql<DueRow>`
    SELECT d.status, d.turn, d.message, m.body, e.id AS endpoint, e.status AS endpoint_status, e.url, e.secret, e.old_secret, e.old_secret_until
    FROM webhooks.delivery AS d JOIN webhooks.message AS m ON m.id = d.message JOIN webhooks.endpoint AS e ON e.id = d.endpoint
    WHERE d.id = ${id} AND d.tenant = ${ctx.identity.tenant}`;
  if (row === undefined || row.turn !== turn || row.status !== "pending") return { state: "stale", request: null };
  if (row.endpoint_status !== "enabled") return { state: "disabled", request: null };
  const now = ctx.now();
  const isOverlap = row.old_secret !== null && (row.old_secret_until?.getTime() ?? 0) > now;
  const secrets = isOverlap ? [row.secret, row.old_secret as Buffer] : [row.secret];
  const { endpoint, url, body } = row;
  const signed = { id: `msg_${row.message}`, timestamp: Math.floor(now / 1_000), body };
  return { state: "due", request: { endpoint, url, body, headers: signedHeaders(signed, secrets) } };
};
