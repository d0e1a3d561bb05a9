import type { Returned } from "@banyan/kernel";
import type { UserEvent } from "@banyan/user-events-formats";
import type { sources } from "@banyan/user-events-sources/contract";
import type { BadReason } from "./contract.ts";
import { problemsOf } from "./json-schemas.ts";

/** What is wrong with an event; null for nothing. `schema` is what it was held against. */
export interface Verdict {
  readonly schema: string | null;
  readonly bad: { readonly reason: BadReason; readonly detail: string } | null;
}

type Found = Returned<typeof sources.schemaOf>;
/** How a handler asks for a schema. */
export type AskSchema = (wanted: { source: string; name: string; schema: string | null }) => Promise<Found>;

/** Holds events against their schemas: one question for each kind of event, not for each event. */
export async function judgeAll(ask: AskSchema, given: readonly UserEvent[]): Promise<Verdict[]> {
  const asked = new Map<string, Promise<Found>>();
  for (const event of given) {
    const kind = kindOf(event);
    if (!asked.has(kind)) asked.set(kind, askFor(ask, event));
  }
  const found = new Map<string, Found>();
  for (const [kind, answer] of asked) found.set(kind, await answer);
  return Promise.all(given.map((event) => judge(event, found.get(kindOf(event)) as Found)));
}

/** Holds one event against its schema. */
export async function judgeOne(ask: AskSchema, event: UserEvent): Promise<Verdict> {
  return judge(event, await askFor(ask, event));
}

function askFor(ask: AskSchema, event: UserEvent): Promise<Found> {
  const { source, schema } = event;
  return ask({ source, name: nameOf(event), schema });
}

function kindOf(event: UserEvent): string {
  return `${event.source} ${event.schema ?? ""} ${nameOf(event)}`;
}

/** Only a track is told by its name: pages and screens have as many names as a site. */
function nameOf({ type, name }: UserEvent): string {
  return type === "track" ? (name ?? type) : type;
}

async function judge({ properties }: UserEvent, found: Found): Promise<Verdict> {
  if (found.kind === "free") return { schema: null, bad: null };
  const { schema } = found;
  if (found.kind === "missing") {
    return { schema, bad: { reason: "unknownSchema", detail: `no schema ${schema} is registered` } };
  }
  const detail = await problemsOf(found.definition, properties);
  return { schema, bad: detail === null ? null : { reason: "schemaMismatch", detail: `${schema}: ${detail}` } };
}
