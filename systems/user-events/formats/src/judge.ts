import { isbot } from "isbot";
import { cutAt, depthOf } from "./depth.ts";
import {
  type Collected,
  eventBytesMax,
  eventTypes,
  type RefusalReason,
  type RefusedEvent,
  type UserEvent,
} from "./event.ts";
import { instantOf } from "./instant.ts";
import { problemIn } from "./sound.ts";

/** How events arrived: the same for all of one request. Instants are milliseconds since 1970. */
export interface Arrival {
  readonly source: string;
  readonly run: string;
  readonly receivedAt: number;
  /** Of the request, for events that have none of their own; as the client wrote it. */
  readonly sentAt?: unknown;
  /** Whether events of programs that say what they are, such as crawlers, are refused. */
  readonly refusesBots?: boolean;
  /** Of a line of a file, what it is known by where it has no id of its own. */
  readonly lineId?: string;
  /** Names an event that has no id: it cannot be told from its repetition. */
  newId(): string;
}

/** What a client says of one event, before any of it is believed. */
export interface Claims {
  readonly eventId: unknown;
  readonly type: unknown;
  readonly name: unknown;
  readonly userId: unknown;
  readonly anonymousId: unknown;
  readonly timestamp: unknown;
  readonly sentAt: unknown;
  readonly schema: unknown;
  readonly properties: unknown;
  readonly context: unknown;
}

/** One arrival as it was sent. `raw` is what was parsed, or the text that was not JSON. */
export interface Sent {
  readonly raw: unknown;
  /** The text that it was parsed from, where there is one of its own. */
  readonly text?: string;
  readonly format: RefusedEvent["format"];
}

/** Levels of objects and lists in one event. */
const depthMax = 16;
const idCharsMax = 255;
const nameCharsMax = 255;
/** A client's clock may be off by a time zone and its summer time. */
const futureMaxMs = 24 * 60 * 60 * 1_000;
/** Nobody tracked anybody before there were web analytics: what is older is a clock that was never set, or seconds for milliseconds. */
const ancientBefore = Date.UTC(1995, 0, 1);

class Refusal extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Throws a refusal, which `judged` turns into a refused event. */
export function refuse(reason: RefusalReason, detail: string): never {
  throw new Refusal(reason, detail);
}

/** Refuses what a format has unpacked where no engine would keep it: the text around it tells nothing of it. */
export function refuseUnstorable(value: unknown): void {
  if (depthOf(value, depthMax) > depthMax)
    refuse("tooDeep", `what is encoded in the event is nested more than ${depthMax} levels deep`);
  const problem = problemIn(value, JSON.stringify(value));
  if (problem !== null) refuse("notStorable", problem);
}

/**
 * Reads one arrival by its format's rules and decides whether it is an event. `claimsOf` picks the fields; it may `refuse`.
 * Never throws for what a client sent: what is wrong becomes a refused event with its first reason.
 */
export function judged(sent: Sent, arrival: Arrival, claimsOf: (raw: object) => Claims): Collected {
  let text = sent.text;
  let eventId = arrival.lineId ?? null;
  try {
    // First: of what is nested without end nothing else can be asked.
    if (depthOf(sent.raw, depthMax) > depthMax) {
      // Of what is nested without end there is no text, either.
      text ??= JSON.stringify(cutAt(sent.raw, 2 * depthMax));
      refuse("tooDeep", `the event is nested more than ${depthMax} levels deep`);
    }
    text ??= JSON.stringify(sent.raw);
    if (typeof sent.raw !== "object" || sent.raw === null || Array.isArray(sent.raw)) {
      refuse("notAnObject", "an event must be a JSON object");
    }
    const claims = claimsOf(sent.raw as object);
    eventId = identified(claims.eventId) ?? eventId;
    const bytes = Buffer.byteLength(text);
    if (bytes > eventBytesMax) refuse("tooLarge", `the event has ${bytes} bytes, of at most ${eventBytesMax}`);
    const problem = problemIn(sent.raw, text);
    if (problem !== null) refuse("notStorable", problem);
    const event = believed(claims, eventId ?? arrival.newId(), arrival);
    if (arrival.refusesBots === true && isBotIn(event.context)) refuse("bot", "its user agent is a program's");
    return { bytes, event };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { source, receivedAt, run } = arrival;
    const sentAt = instantOf(arrival.sentAt) ?? null;
    const raw = text ?? JSON.stringify(sent.raw);
    const refused = { source, eventId, reason: error.reason, detail: error.message, raw, format: sent.format };
    return { bytes: Buffer.byteLength(raw), refused: { ...refused, sentAt, receivedAt, run } };
  }
}

function believed(claims: Claims, eventId: string, arrival: Arrival): UserEvent {
  const { source, run, receivedAt } = arrival;
  const type = eventTypes.find((known) => known === claims.type);
  if (type === undefined) refuse("unknownType", `type must be one of ${eventTypes.join(", ")}`);
  const name = textOf("name", claims.name, nameCharsMax);
  if (type === "track" && name === null) refuse("missingField", "a track needs the name of its event");
  const userId = textOf("userId", claims.userId, idCharsMax);
  const anonymousId = textOf("anonymousId", claims.anonymousId, idCharsMax);
  if (userId === null && anonymousId === null) refuse("missingField", "an event needs a userId or an anonymousId");
  const sentAt = timeOf("sentAt", claims.sentAt ?? arrival.sentAt) ?? null;
  return {
    source,
    eventId,
    type,
    name,
    userId,
    anonymousId,
    occurredAt: plausible(timeOf("timestamp", claims.timestamp), sentAt, receivedAt),
    sentAt,
    receivedAt,
    schema: textOf("schema", claims.schema, nameCharsMax),
    properties: objectOf("properties", claims.properties),
    context: objectOf("context", claims.context),
    run,
  };
}

function isBotIn({ userAgent }: UserEvent["context"]): boolean {
  return typeof userAgent === "string" && isbot(userAgent);
}

/** Numbers count as ids, as Segment takes them. */
function identified(value: unknown): string | null {
  return textOf("messageId", typeof value === "number" ? String(value) : value, idCharsMax);
}

function textOf(field: string, value: unknown, charsMax: number): string | null {
  if (value === undefined || value === null || value === "") return null;
  const text = typeof value === "number" && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== "string") return refuse("wrongType", `${field} must be a text`);
  if (text.length > charsMax) refuse("tooLarge", `${field} has ${text.length} characters, of at most ${charsMax}`);
  return text;
}

function objectOf(field: string, value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) refuse("wrongType", `${field} must be an object`);
  return value as Record<string, unknown>;
}

function timeOf(field: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const instant = instantOf(value);
  return instant ?? refuse("malformedTimestamp", `${field} must be written as in 2026-11-21T12:30:00.000Z`);
}

/**
 * When it happened by our clock: timestamp + (receivedAt - sentAt), as Segment corrects it. What a client's clock is off by is
 * the same for both of its instants, and the way here is short.
 */
function plausible(timestamp: number | undefined, sentAt: number | null, receivedAt: number): number {
  if (timestamp === undefined) return receivedAt;
  const occurredAt = sentAt === null ? timestamp : timestamp + (receivedAt - sentAt);
  if (occurredAt > receivedAt + futureMaxMs) refuse("futureTimestamp", "timestamp is more than a day ahead");
  if (occurredAt < ancientBefore) refuse("ancientTimestamp", "timestamp is before 1995");
  return occurredAt;
}
