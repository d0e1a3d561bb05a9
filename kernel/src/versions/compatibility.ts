import type { JsonSchema } from "../contract/schema.ts";
import { canonical, isAnnotation, isAny } from "./canonical.ts";
import { type Limit, lengthOf, limitOf, limits, narrower } from "./json-limits.ts";
import { alternatives, fieldsOf, listOf, resolved, typesOf, valuesOf } from "./json-schema.ts";

/** Why a reader with one schema cannot take what a writer with another may send: where, and what differs. */
export interface Incompatibility {
  /** "input.postings[].amountMinor"; "[]" is an element, "{}" any field of a record. */
  readonly field: string;
  /** "is required, was optional", "was number, is string" … */
  readonly problem: string;
}

/** The schemas of one action, as JSON Schema. */
export interface ActionSchemas {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
}

/** What is written with one schema and read with another. */
export interface Reading {
  readonly writer: JsonSchema;
  readonly reader: JsonSchema;
  /** A reader of "open" objects passes over fields that it does not know. */
  readonly objects: "closed" | "open";
  /** The writer sends any field that its schema does not forbid. One that the reader adds is taken to be new to it all the same. */
  readonly writerIsOpen?: boolean;
  /** Whose schema is the new one: of it the sentences say "is", of the other "was". */
  readonly later: "reader" | "writer";
}

const problemsMax = 20;
const depthMax = 64;
/** Pairs of schemas looked at in one comparison: what a foreign node sends may be of any size. */
const pairsMax = 20_000;

/**
 * What breaks when a caller that knows `caller` calls a service that has `callee`: what it sends must pass the callee's input,
 * what it gets must be what its own output promised. Empty: nothing.
 */
export function breakingChanges(caller: ActionSchemas, callee: ActionSchemas): readonly Incompatibility[] {
  return [
    ...unreadable({ writer: caller.input, reader: callee.input, objects: "closed", later: "reader" }, "input"),
    ...unreadable({ writer: callee.output, reader: caller.output, objects: "open", later: "writer" }, "output"),
  ].slice(0, problemsMax);
}

/**
 * What the reader may refuse of what the writer may write, at most 20; empty: nothing. It never misses one: keywords it does not
 * know must be equal. It may see one where there is none, as where a union is written in another way. A writer sends no field
 * that its schema does not name, unless it is open. `part` begins each field.
 */
export function unreadable(reading: Reading, part: string): readonly Incompatibility[] {
  const { reader, writer } = reading;
  const comparison = {
    ...reading,
    rootsAreAlike: canonical(reader) === canonical(writer),
    pairsLeft: pairsMax,
    underway: new Set<string>(),
  };
  return compare(comparison, { reader, writer, field: part, depth: 0 }).slice(0, problemsMax);
}

/** The schemas of a reading are the roots, where references point into. */
interface Comparison extends Reading {
  readonly rootsAreAlike: boolean;
  pairsLeft: number;
  /** References that are being compared: a schema that contains itself fits where all the rest of it does. */
  readonly underway: Set<string>;
}

interface Place {
  readonly reader: unknown;
  readonly writer: unknown;
  readonly field: string;
  readonly depth: number;
}

function compare(comparison: Comparison, place: Place): readonly Incompatibility[] {
  const { field, depth } = place;
  if (comparison.pairsLeft-- <= 0 || depth > depthMax) return [{ field, problem: "is too large to be compared" }];
  if (!isReference(place.reader) && !isReference(place.writer)) return compareResolved(comparison, place);
  const [reader, writer] = [place.reader, place.writer].map((schema) =>
    canonical({ ...Object(schema), $defs: undefined }),
  );
  const pair = `${reader} ${writer}`;
  if (comparison.underway.has(pair)) return [];
  comparison.underway.add(pair);
  const found = compareResolved(comparison, place);
  comparison.underway.delete(pair);
  return found;
}

function compareResolved(comparison: Comparison, place: Place): readonly Incompatibility[] {
  const { field, depth } = place;
  const reader = resolved(place.reader, comparison.reader);
  const writer = resolved(place.writer, comparison.writer);
  if (reader === true || writer === false || areAlike(comparison, reader, writer)) return [];
  if (reader === false) return [{ field, problem: inTime(comparison, "is not taken any more", "is new") }];
  if (writer === true) return isAny(reader) ? [] : [{ field, problem: "may be anything" }];
  const sent = alternatives(writer);
  const taken = alternatives(reader);
  if (sent.length !== 1 || taken.length !== 1) return compareUnions(comparison, place, { taken, sent });
  const pair = { reader, writer, field, depth };
  const ofType = typeProblems(comparison, pair);
  if (ofType.length > 0) return ofType;
  return [
    ...valueProblems(comparison, pair),
    ...keywordProblems(comparison, pair),
    ...objectProblems(comparison, pair),
    ...arrayProblems(comparison, pair),
  ];
}

/** Every alternative of the writer needs one of the reader; where none fits, the nearest says why. */
function compareUnions(
  comparison: Comparison,
  { field, depth }: Place,
  { taken, sent }: { readonly taken: readonly unknown[]; readonly sent: readonly unknown[] },
): readonly Incompatibility[] {
  return sent.flatMap((writer) => {
    const tried = taken.map((reader) => compare(comparison, { reader, writer, field, depth: depth + 1 }));
    const [first = [{ field, problem: "takes nothing" }], ...others] = tried;
    return others.reduce((best, found) => (found.length < best.length ? found : best), first);
  });
}

function isReference(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && "$ref" in schema;
}

/** The same text says the same of values, unless it refers to what differs. */
function areAlike({ rootsAreAlike }: Comparison, reader: unknown, writer: unknown): boolean {
  const text = canonical(reader);
  return text === canonical(writer) && (rootsAreAlike || !text.includes('"$ref":'));
}

interface Pair extends Place {
  readonly reader: JsonSchema;
  readonly writer: JsonSchema;
}

/** Of a reader that is new one sentence is true, of a writer that is new the other. */
function inTime({ later }: Comparison, readerIsNew: string, writerIsNew: string): string {
  return later === "reader" ? readerIsNew : writerIsNew;
}

function changed({ later }: Comparison, read: string, written: string): string {
  const [is, was] = later === "reader" ? [read, written] : [written, read];
  return `is ${is}, was ${was}`;
}

function typeProblems(comparison: Comparison, { reader, writer, field }: Pair): readonly Incompatibility[] {
  const { type } = reader;
  const sent = typesOf(writer);
  if (type === undefined || sent?.every((one) => one === type || (type === "number" && one === "integer"))) return [];
  return [{ field, problem: changed(comparison, String(type), sent?.join(" or ") ?? "anything") }];
}

function valueProblems(comparison: Comparison, { reader, writer, field }: Pair): readonly Incompatibility[] {
  const taken = valuesOf(reader)?.map((value) => JSON.stringify(value));
  if (taken === undefined) return [];
  const sent = valuesOf(writer)?.map((value) => JSON.stringify(value));
  const only = `one of ${taken.join(", ")} only`;
  if (sent === undefined) return [{ field, problem: inTime(comparison, `is ${only}`, `was ${only}`) }];
  const refused = sent.filter((value) => !taken.includes(value)).join(", ");
  if (refused === "") return [];
  return [{ field, problem: inTime(comparison, `${refused} is not taken any more`, `may be ${refused}`) }];
}

/** Keywords with rules of their own. All others must be equal, or absent in the reader. */
const ruled = new Set([
  ...["type", "const", "enum", "properties", "required", "additionalProperties", "items", "prefixItems"],
  ...limits.flatMap(({ keywords }) => keywords),
]);

function keywordProblems(comparison: Comparison, { reader, writer, field }: Pair): readonly Incompatibility[] {
  const said = (limit: Limit | null) =>
    limit === null ? "not given" : `${limit.isOpen ? "beyond " : ""}${JSON.stringify(limit.at)}`;
  const types = typesOf(writer);
  const outside = limits.flatMap((kind) => {
    if (types?.some((type) => kind.types.includes(type)) === false) return [];
    const [read, written] = [limitOf(kind, reader), limitOf(kind, writer) ?? lengthOf(kind, valuesOf(writer))];
    if (!narrower(kind, read, written)) return [];
    return [{ field, problem: `${kind.keywords[0]} ${changed(comparison, said(read), said(written))}` }];
  });
  const text = (value: unknown) => (value === undefined ? "not given" : (JSON.stringify(value) ?? ""));
  const different = Object.keys(reader)
    .filter((keyword) => !ruled.has(keyword) && !isAnnotation(keyword) && !isEmptyRule(keyword, reader[keyword]))
    .filter((keyword) => !areAlike(comparison, reader[keyword], writer[keyword]))
    .map((keyword) => {
      return { field, problem: `${keyword} ${changed(comparison, text(reader[keyword]), text(writer[keyword]))}` };
    });
  return [...outside, ...different];
}

/** Names are text. */
function isEmptyRule(keyword: string, rule: unknown): boolean {
  return keyword === "propertyNames" && canonical(rule) === '{"type":"string"}';
}

function objectProblems(comparison: Comparison, { reader, writer, field, depth }: Pair): readonly Incompatibility[] {
  if (typesOf(writer)?.includes("object") === false) return [];
  const taken = fieldsOf(reader);
  const sent = fieldsOf(writer);
  const always = new Set(listOf(writer.required));
  const at = (name: string) => `${field}.${name}`;
  const inner = (name: string, of: unknown, by: unknown) =>
    compare(comparison, { reader: of, writer: by, field: at(name), depth: depth + 1 });
  const othersTaken = resolved(reader.additionalProperties ?? true, comparison.reader);
  const othersSent = resolved(writer.additionalProperties ?? false, comparison.writer);
  const unnamed = comparison.writerIsOpen ? (writer.additionalProperties ?? true) : othersSent;
  const refuses = othersTaken === false && comparison.objects === "closed";
  const missing = listOf(reader.required).filter((name) => !always.has(name));
  return [
    ...missing.map((name) => ({
      field: at(name),
      problem: Object.hasOwn(sent, name)
        ? changed(comparison, "required", "optional")
        : inTime(comparison, "is required, was not there", "is not there any more"),
    })),
    ...Object.entries(taken).flatMap(([name, schema]) =>
      inner(name, schema, Object.hasOwn(sent, name) ? sent[name] : othersSent),
    ),
    ...Object.keys(sent).flatMap((name) => {
      if (Object.hasOwn(taken, name)) return [];
      if (refuses) return [{ field: at(name), problem: inTime(comparison, "is not there any more", "is new") }];
      return othersTaken === false ? [] : inner(name, othersTaken, sent[name]);
    }),
    ...(othersTaken === false && !refuses ? [] : inner("{}", othersTaken, unnamed)),
  ];
}

function arrayProblems(comparison: Comparison, { reader, writer, field, depth }: Pair): readonly Incompatibility[] {
  if (typesOf(writer)?.includes("array") === false) return [];
  if (reader.items === undefined && reader.prefixItems === undefined) return [];
  const [taken, sent] = [listOf(reader.prefixItems), listOf(writer.prefixItems)];
  if (taken.length !== sent.length) return [{ field, problem: "is a tuple of other elements" }];
  const inner = (index: string, of: unknown, by: unknown) =>
    compare(comparison, { reader: of, writer: by, field: `${field}[${index}]`, depth: depth + 1 });
  return [
    ...taken.flatMap((element, index) => inner(String(index), element, sent[index])),
    ...inner("", reader.items ?? true, writer.items ?? true),
  ];
}
