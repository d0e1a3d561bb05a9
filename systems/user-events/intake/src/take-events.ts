import type { Received } from "@banyan/kernel";
import {
  type Arrival,
  batchBytesMax,
  type Collected,
  type PseudonymKey,
  pseudonymised,
  type Repeated,
  readCloudEvent,
  readLine,
  readSegment,
  readSnowplow,
  refuseRepeated,
  repeatedKeys,
} from "@banyan/user-events-formats";
import { type Source, sources } from "@banyan/user-events-sources/contract";
import { append, type Brought, type Context, type Item, type Verdict } from "./append.ts";
import { type Answer, addImports, batchItemsMax, type ImportAnswer, type intake } from "./contract.ts";
import { findSource } from "./find-source.ts";
import { waitFor } from "./rates.ts";

type Body = Readonly<Record<string, unknown>>;

const noObject = "the text is not a JSON object";

/** What a command's input holds, once its source is known; undefined where it lacks what holds its events. */
type Read = (body: Body, arrival: Arrival) => Sent | undefined;

/** What one request holds, before any of it is looked at, and how to read one of it. */
interface Sent {
  readonly events: readonly unknown[];
  readonly read: (raw: unknown, at: number) => Collected;
}

/** Handles the commands of one transaction that are read in the same way. */
type Take<I extends Item> = (ctx: Context, items: readonly I[]) => Promise<Verdict[]>;

/** Takes single calls of Segment's. */
export function takeSingle(type: string): Take<SegmentItem> {
  const read: Read = (body, arrival) => {
    return { events: [{ ...body, type }], read: (raw) => readSegment(raw, { ...arrival, sentAt: body.sentAt }) };
  };
  return (ctx, items) => takeAll(ctx, items, (item) => takeSegment(ctx, item, { read, list: null }));
}

/** Takes batches of Segment's. */
export const takeBatch: Take<SegmentItem> = (ctx, items) => {
  const read: Read = ({ batch, sentAt }, arrival) => {
    if (!Array.isArray(batch)) return undefined;
    return { events: batch, read: (raw) => readSegment(raw, { ...arrival, sentAt }) };
  };
  return takeAll(ctx, items, (item) => takeSegment(ctx, item, { read, list: "batch" }));
};

type SnowplowItem = Item & { readonly input: Received<typeof intake.snowplow> };

/** Takes what Snowplow's trackers post. */
export const takeSnowplow: Take<SnowplowItem> = (ctx, items) =>
  takeAll(ctx, items, async (item) => {
    const { content } = item.input;
    const body: Body | undefined = content === undefined ? item.input : objectIn(content);
    if (body === undefined) return ctx.faults.unreadableBody({ reason: noObject });
    const { parts, outside } = repeatedIn(content, "data");
    if (outside !== undefined) return ctx.faults.unreadableBody({ reason: outside });
    const events = body.data;
    if (!Array.isArray(events)) return ctx.faults.unreadableBody({ reason: "data: the list of events is missing" });
    const source = await findSource(item, textOf((events[0] as Body | null | undefined)?.aid));
    if (source === undefined) return ctx.faults.unknownWriteKey();
    const arrival = arrivalAt(ctx, source, "");
    const read = (raw: unknown, at: number) => {
      const repeated = parts.get(at);
      return repeated === undefined ? readSnowplow(raw, arrival) : refuseRepeated(repeated, arrival, "snowplow");
    };
    return admitted(ctx, source, { item, events, read });
  });

type CloudEventsItem = Item & { readonly input: Received<typeof intake.cloudEvents> };

/** Takes CloudEvents: a batch is a list, an event in its headers has the attribute that each must have, and all else is structured. */
export const takeCloudEvents: Take<CloudEventsItem> = (ctx, items) =>
  takeAll(ctx, items, async (item) => {
    const { content, ...attributes } = item.input;
    const isBinary = "specversion" in attributes;
    const body = isBinary && content === "" ? { value: undefined } : jsonIn(content);
    if (body === undefined) return ctx.faults.unreadableBody({ reason: noObject });
    const source = await findSource(item, undefined);
    if (source === undefined) return ctx.faults.unknownWriteKey();
    const arrival = arrivalAt(ctx, source, "");
    const events = isBinary ? [{ ...attributes, data: body.value }] : [body.value].flat();
    const { parts } = repeatedIn(body.value === undefined ? undefined : content, null);
    const [first] = parts.values();
    const read = (raw: unknown, at: number) => {
      const repeated = isBinary ? first : parts.get(at);
      return repeated === undefined ? readCloudEvent(raw, arrival) : refuseRepeated(repeated, arrival, "cloudevents");
    };
    return admitted(ctx, source, { item, events, read });
  });

type ImportItem = Item & { readonly input: Received<typeof intake.import> };

/**
 * Takes events of a source that is named by somebody who may write to all of them. What the lines become is more than they are, and has
 * no limit but theirs.
 */
export async function takeImport(
  ctx: Context,
  items: readonly ImportItem[],
): Promise<(ImportAnswer | Exclude<Verdict, Answer>)[]> {
  const verdicts = await takeAll(ctx, items, async (item) => {
    const { source: id, run, events, lines, content = "" } = item.input;
    const { source } = await item.call(sources.find, { id });
    if (source === null) return ctx.faults.unknownSource({ source: id });
    const arrival = arrivalAt(ctx, source, run);
    const key = await pseudonymKeyOf(source, item);
    const written = content.split("\n").map((line) => ({ text: line.trim(), occurrence: 0 }));
    const collected = [
      ...events.map((raw) => readSegment(raw, arrival)),
      ...[...lines, ...written].filter(({ text }) => text !== "").map((line) => readLine(line, arrival, key)),
    ];
    return inTime(ctx, source, { item, collected });
  });
  return verdicts.map((verdict) => ("results" in verdict ? importAnswerTo(verdict) : verdict));
}

type Refusal = Exclude<Verdict, Answer>;

/** Reads each command by `bring`, and appends those of one tenant together; a fault is that command's alone. */
async function takeAll<I extends Item>(
  ctx: Context,
  items: readonly I[],
  bring: (item: I) => Promise<Brought | Refusal>,
): Promise<Verdict[]> {
  const brought = await Promise.all(items.map(bring));
  const verdicts = new Map<Brought, Verdict>();
  const byTenant = Map.groupBy(brought.filter(isBrought), ({ item }) => item.identity.tenant);
  // Sorted, so that two transactions lock partitions in one order.
  for (const tenant of [...byTenant.keys()].sort()) {
    const group = byTenant.get(tenant) ?? [];
    for (const [index, verdict] of (await append(ctx, group)).entries()) verdicts.set(group[index] as Brought, verdict);
  }
  return brought.map((one) => (isBrought(one) ? (verdicts.get(one) as Verdict) : one));
}

function isBrought(one: Brought | Refusal): one is Brought {
  return "collected" in one;
}

type SegmentItem = Item & { readonly input: Body & { readonly content?: string | undefined } };

async function takeSegment(
  ctx: Context,
  item: SegmentItem,
  { read, list }: { readonly read: Read; readonly list: string | null },
): Promise<Brought | Refusal> {
  const { content } = item.input;
  const body = content === undefined ? item.input : objectIn(content);
  if (body === undefined) return ctx.faults.unreadableBody({ reason: noObject });
  const { parts, outside } = repeatedIn(content, list);
  if (outside !== undefined) return ctx.faults.unreadableBody({ reason: outside });
  const { writeKey, ...rest } = body;
  const source = await findSource(item, textOf(writeKey));
  if (source === undefined) return ctx.faults.unknownWriteKey();
  const arrival = arrivalAt(ctx, source, "");
  const sent = read(rest, arrival);
  if (sent === undefined) return ctx.faults.unreadableBody({ reason: "batch: the list of events is missing" });
  const readOne = (raw: unknown, at: number) => {
    const repeated = parts.get(at);
    return repeated === undefined ? sent.read(raw, at) : refuseRepeated(repeated, arrival);
  };
  return admitted(ctx, source, { item, events: sent.events, read: readOne });
}

/** Events of a text that give a key twice, and why the text is refused where something else in it does. */
function repeatedIn(content: string | undefined, list: string | null) {
  const none = { parts: new Map<number, Repeated>(), outside: undefined };
  const { parts, outside } = content === undefined ? none : repeatedKeys(content, list);
  return { parts, outside: outside && `${outside}: the key is given twice` };
}

function arrivalAt(ctx: Context, { id, refusesBots }: Source, run: string): Arrival {
  return { source: id, run, refusesBots, receivedAt: ctx.now(), newId: () => ctx.newId() };
}

/** What a request brought, where it is not too much. */
async function admitted(
  ctx: Context,
  source: Source,
  { item, events, read }: Sent & { readonly item: Item },
): Promise<Brought | Refusal> {
  if (events.length > batchItemsMax)
    return ctx.faults.tooManyEvents({ events: events.length, eventsMax: batchItemsMax });
  const collected = events.map(read);
  const bytes = collected.reduce((sum, one) => sum + one.bytes, 0);
  if (bytes > batchBytesMax) return ctx.faults.batchTooLarge({ bytes, bytesMax: batchBytesMax });
  return inTime(ctx, source, { item, collected });
}

/** What was brought, where the source does not send more than it may. */
async function inTime(ctx: Context, source: Source, brought: Brought): Promise<Brought | Refusal> {
  const { collected, item } = brought;
  const retryAfterMs = await waitFor(ctx.kv, { source, tenant: item.identity.tenant }, collected.length);
  if (retryAfterMs === 0) return concealed(source, brought);
  const { id, eventsPerSecond } = source;
  return ctx.faults.rateExceeded({ source: id, eventsPerSecond: eventsPerSecond ?? 0 }, { retryAfterMs });
}

/** Puts pseudonyms in the place of what the source wants concealed: before anything of it is kept, in the log or elsewhere. */
async function concealed(source: Source, { item, collected }: Brought): Promise<Brought> {
  const key = await pseudonymKeyOf(source, item);
  if (key === undefined) return { item, collected };
  return { item, collected: collected.map((one) => pseudonymised(one, source.pseudonyms, key)) };
}

/** Undefined where the source conceals nothing. */
async function pseudonymKeyOf({ pseudonyms }: Source, { call }: Item): Promise<PseudonymKey | undefined> {
  if (pseudonyms.length === 0) return undefined;
  const { key } = await call(sources.pseudonymKey, {});
  if (key === null) throw new Error("a source has pseudonyms, and its tenant no key for them");
  return { number: key.number, secret: Buffer.from(key.secret, "base64url") };
}

/** All refusals together, cut to as many as are told. */
function importAnswerTo({ results }: Answer): ImportAnswer {
  const numbered = results.map((result, index) => ({ ...result, position: index + 1 }));
  const refusals = numbered.filter(({ status }) => status === "refused");
  const none = { accepted: 0, refused: 0, refusals: [] };
  return addImports({ accepted: results.length - refusals.length, refused: refusals.length, refusals }, none);
}

function objectIn(text: string): Body | undefined {
  const value = jsonIn(text)?.value;
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
}

/** What JSON says; undefined where the text is none. */
function jsonIn(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
