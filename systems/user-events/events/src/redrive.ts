import type { Handler, Sql } from "@banyan/kernel";
import type { DocumentSet } from "@banyan/kernel/documents";
import { type Collected, readEvent, type UserEvent } from "@banyan/user-events-formats";
import { sources } from "@banyan/user-events-sources/contract";
import { insertActs } from "./acts/act-store.ts";
import { type KeptBadRow, lockBadRow, noteTry } from "./bad-row-store.ts";
import { type BadReason, events } from "./contract.ts";
import { type EventDocument, eventDocuments, storeEvents } from "./event-store.ts";
import { type AskSchema, judgeOne } from "./judge.ts";
import { learnIdentities } from "./people/identity-store.ts";
import { addTally } from "./tally-store.ts";

type Tried =
  | { readonly outcome: "stored" | "duplicate" }
  | { readonly outcome: "bad"; readonly reason: BadReason; readonly detail: string };

interface Trying {
  readonly sql: Sql;
  readonly stored: DocumentSet<EventDocument>;
  readonly tenant: string;
  readonly ask: AskSchema;
}

/** Tries a bad row by hand; what it is refused for now is the caller's answer, and changes nothing. */
export const redriveBadRow: Handler<typeof events.redrive> = async (ctx, { id }) => {
  const { sql, identity } = ctx;
  const row = await lockBadRow(sql, identity.tenant, id);
  if (row === undefined) throw ctx.faults.unknownBadRow({ id });
  const ask: AskSchema = (wanted) => ctx.call(sources.schemaOf, wanted);
  const tried = await tryAgain({ sql, stored: ctx.documents(eventDocuments), tenant: identity.tenant, ask }, row);
  if (tried.outcome === "bad") throw ctx.faults.stillBad(tried);
  return tried;
};

const attemptsMax = 5;
const backoffFirstMs = 200;

/** Tries a bad row whose schema was not there, 5 times with backoff in all; then it is dead, and waits to be redriven. */
export const retryBadRow: Handler<typeof events.retry> = async (ctx, { id }) => {
  const { sql, identity } = ctx;
  const row = await lockBadRow(sql, identity.tenant, id);
  if (row === undefined) return;
  const ask: AskSchema = (wanted) => ctx.call(sources.schemaOf, wanted);
  const tried = await tryAgain({ sql, stored: ctx.documents(eventDocuments), tenant: identity.tenant, ask }, row);
  if (tried.outcome !== "bad") return;
  const isLast = row.attempts + 1 >= attemptsMax || tried.reason !== "unknownSchema";
  const { reason, detail } = tried;
  await noteTry(sql, identity.tenant, { id, state: isLast ? "dead" : "retrying", reason, detail });
  if (!isLast) ctx.enqueue(events.retry, { id }, { delayMs: backoffFirstMs * 2 ** row.attempts });
};

/** Where the event can be stored now, its bad row is a note that it was, and counts as what became of it. */
async function tryAgain({ sql, stored, tenant, ask }: Trying, row: KeptBadRow): Promise<Tried> {
  const read = readAgain(row);
  if (!("event" in read)) return { outcome: "bad", reason: read.refused.reason, detail: read.refused.detail };
  const { event } = read;
  const { schema, bad } = await judgeOne(ask, event);
  if (bad !== null) return { outcome: "bad", ...bad };
  const { id, partition, offset, source, run } = row;
  const placed = { event, partition, offset, schema };
  const fresh = await storeEvents(stored, [placed]);
  const outcome = fresh.size > 0 ? "stored" : "duplicate";
  if (outcome === "stored") {
    await insertActs(sql, tenant, [placed]);
    await learnIdentities(sql, tenant, [placed]);
  }
  await noteTry(sql, tenant, { id, state: "redriven" });
  await addTally(sql, tenant, [
    { source, run, partition, outcome: "bad", count: -1 },
    { source, run, partition, outcome, count: 1 },
  ]);
  return { outcome };
}

/** By the rules of today: what was no event yesterday may be one. */
function readAgain({
  event,
  raw,
  format,
  source,
  run,
  receivedAt,
  eventId,
  id,
}: KeptBadRow): { readonly event: UserEvent } | Collected {
  if (event !== null) return { event };
  const newId = () => eventId ?? id;
  return readEvent(format ?? "segment", JSON.parse(raw ?? "null"), { source, run, receivedAt, newId });
}
