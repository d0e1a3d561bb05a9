import type { JsonSchema } from "./schema.ts";

/** Why a reader with one schema cannot take what a writer with another may send: where, and what differs. */
export interface Incompatibility {
  /** "postings.amountMinor"; "" is the value itself, "[]" an element, "{}" any field of a record. */
  readonly field: string;
  /** "is required", "was number, is string" … */
  readonly problem: string;
}

/** The schemas of one action, as JSON Schema. */
export interface ActionSchemas {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
}

const problemsMax = 20;
const depthMax = 32;

/**
 * What breaks when a caller that knows `caller` calls a service that has `callee`: what it sends must pass the callee's input,
 * what it gets must be what its own output promised. Empty: nothing. Sound for what schema libraries emit (types, enums,
 * objects, arrays, bounds, unions, references); keywords it does not know must be equal.
 */
export function breakingChanges(caller: ActionSchemas, callee: ActionSchemas): readonly Incompatibility[] {
  return [
    ...reading(callee.input, caller.input, "closed").map((found) => named("input", found)),
    ...reading(caller.output, callee.output, "open").map((found) => named("output", found)),
  ].slice(0, problemsMax);
}

function named(part: string, { field, problem }: Incompatibility): Incompatibility {
  return { field: field === "" || field.startsWith("[") ? `${part}${field}` : `${part}.${field}`, problem };
}

/** A reader of "open" objects passes over fields that it does not know. */
type Objects = "closed" | "open";

/** One comparison: the roots are where references point into. */
interface Comparison {
  readonly readerRoot: JsonSchema;
  readonly writerRoot: JsonSchema;
  readonly objects: Objects;
}

function reading(reader: JsonSchema, writer: JsonSchema, objects: Objects): readonly Incompatibility[] {
  return compare({ readerRoot: reader, writerRoot: writer, objects }, { reader, writer, field: "", depth: 0 });
}

interface Place {
  readonly reader: unknown;
  readonly writer: unknown;
  readonly field: string;
  readonly depth: number;
}

function compare(roots: Comparison, place: Place): readonly Incompatibility[] {
  const reader = resolved(place.reader, roots.readerRoot);
  const writer = resolved(place.writer, roots.writerRoot);
  const { field, depth } = place;
  if (reader === true || depth > depthMax || canonical(reader) === canonical(writer)) return [];
  if (reader === false) return [{ field, problem: "is not taken any more" }];
  if (writer === true) return isAny(reader) ? [] : [{ field, problem: "may be anything" }];
  if (writer === false) return [];
  const sent = alternatives(writer);
  const taken = alternatives(reader);
  if (sent.length > 1 || taken.length > 1) return compareUnions(roots, place, { taken, sent });
  return [
    ...typeProblems(reader, writer, field),
    ...valueProblems(reader, writer, field),
    ...boundProblems(reader, writer, field),
    ...objectProblems(roots, { reader, writer, field, depth }),
    ...arrayProblems(roots, { reader, writer, field, depth }),
  ];
}

/** Every alternative of the writer needs one of the reader; where none fits, the nearest says why. */
function compareUnions(
  roots: Comparison,
  { field, depth }: Place,
  { taken, sent }: { readonly taken: readonly JsonSchema[]; readonly sent: readonly JsonSchema[] },
): readonly Incompatibility[] {
  return sent.flatMap((writer) => {
    const tried = taken.map((reader) => compare(roots, { reader, writer, field, depth: depth + 1 }));
    return tried.reduce((best, found) => (found.length < best.length ? found : best));
  });
}

function resolved(node: unknown, root: JsonSchema): JsonSchema | boolean {
  let schema = node;
  for (let hops = 0; hops < depthMax; hops++) {
    if (schema === null || typeof schema !== "object") return schema !== false;
    const { $ref } = schema as JsonSchema;
    if (typeof $ref !== "string") return schema as JsonSchema;
    schema = $ref
      .replace(/^#\/?/, "")
      .split("/")
      .filter((key) => key !== "")
      .reduce<unknown>((at, key) => (at as JsonSchema | undefined)?.[key], root);
  }
  return true;
}

function isAny(schema: JsonSchema): boolean {
  return Object.keys(schema).every((key) => annotations.has(key));
}

/** Keywords that say something to people, and nothing about values. */
const annotations = new Set(["$schema", "$id", "$defs", "title", "description", "default", "examples", "deprecated"]);

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const union = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(union)) return union as JsonSchema[];
  const { type } = schema;
  return Array.isArray(type) ? type.map((one) => ({ ...schema, type: one })) : [schema];
}

function typeProblems(reader: JsonSchema, writer: JsonSchema, field: string): readonly Incompatibility[] {
  const [is, was] = [reader.type, writer.type];
  if (is === undefined || is === was || (is === "number" && was === "integer")) return [];
  if (was === undefined && (writer.const !== undefined || writer.enum !== undefined)) return [];
  return [{ field, problem: `was ${String(was ?? "anything")}, is ${String(is)}` }];
}

function valueProblems(reader: JsonSchema, writer: JsonSchema, field: string): readonly Incompatibility[] {
  const taken = valuesOf(reader);
  if (taken === null) return [];
  const sent = valuesOf(writer);
  if (sent === null) return [{ field, problem: `is one of ${[...taken].join(", ")} only` }];
  const refused = [...sent].filter((value) => !taken.has(value));
  return refused.length === 0 ? [] : [{ field, problem: `${refused.join(", ")} is not taken` }];
}

function valuesOf(schema: JsonSchema): ReadonlySet<string> | null {
  if ("const" in schema) return new Set([JSON.stringify(schema.const)]);
  return Array.isArray(schema.enum) ? new Set(schema.enum.map((value) => JSON.stringify(value))) : null;
}

/** Bounds where the larger is the narrower, and where the smaller is. */
const lower = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const upper = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
/** Keywords that must be equal, or absent in the reader. */
const exact = ["pattern", "format", "multipleOf", "uniqueItems", "contentEncoding", "propertyNames", "not"];

function boundProblems(reader: JsonSchema, writer: JsonSchema, field: string): readonly Incompatibility[] {
  const narrower = (keyword: string, isNarrower: (is: number, was: number) => boolean): boolean => {
    const [is, was] = [reader[keyword], writer[keyword]];
    return typeof is === "number" && (typeof was !== "number" || isNarrower(is, was));
  };
  const differs = (keyword: string): boolean =>
    reader[keyword] !== undefined && canonical(reader[keyword]) !== canonical(writer[keyword]);
  return [
    ...lower.filter((keyword) => narrower(keyword, (is, was) => is > was)),
    ...upper.filter((keyword) => narrower(keyword, (is, was) => is < was)),
    ...exact.filter(differs),
  ].map((keyword) => ({ field, problem: `${keyword} is ${said(reader[keyword])}, was ${said(writer[keyword])}` }));
}

function said(value: unknown): string {
  return value === undefined ? "not given" : (JSON.stringify(value) ?? "");
}

type Found = Place & { readonly reader: JsonSchema; readonly writer: JsonSchema };

function objectProblems(roots: Comparison, { reader, writer, field, depth }: Found): readonly Incompatibility[] {
  const taken = fieldsOf(reader);
  const sent = fieldsOf(writer);
  const always = new Set(listOf(writer.required));
  const inner = (name: string, of: unknown, by: unknown) =>
    compare(roots, { reader: of, writer: by, field: field === "" ? name : `${field}.${name}`, depth: depth + 1 });
  const others = resolved(reader.additionalProperties ?? true, roots.readerRoot);
  const isClosed = others === false && roots.objects === "closed";
  const unknown = Object.keys(sent).filter((name) => !(name in taken));
  return [
    ...listOf(reader.required)
      .filter((name) => !always.has(name))
      .map((name) => ({
        field: field === "" ? name : `${field}.${name}`,
        problem: name in sent ? "is required, was optional" : "is required, was not there",
      })),
    ...Object.entries(taken).flatMap(([name, schema]) => (name in sent ? inner(name, schema, sent[name]) : [])),
    ...unknown.flatMap((name) => {
      if (isClosed) return [{ field: field === "" ? name : `${field}.${name}`, problem: "is not there any more" }];
      return typeof others === "object" && roots.objects === "closed" ? inner(name, others, sent[name]) : [];
    }),
    ...recordProblems(roots, { reader, writer, field, depth }),
  ];
}

/** Fields that are not named, on both sides: a record's values. */
function recordProblems(roots: Comparison, { reader, writer, field, depth }: Found): readonly Incompatibility[] {
  const [taken, sent] = [reader.additionalProperties, writer.additionalProperties];
  if (typeof sent !== "object" || taken === undefined || taken === true) return [];
  return compare(roots, { reader: taken, writer: sent, field: field === "" ? "{}" : `${field}.{}`, depth: depth + 1 });
}

function arrayProblems(roots: Comparison, { reader, writer, field, depth }: Found): readonly Incompatibility[] {
  if (reader.items === undefined && reader.prefixItems === undefined) return [];
  const tuple = canonical(reader.prefixItems) === canonical(writer.prefixItems);
  if (!tuple) return [{ field, problem: "is a tuple of other elements" }];
  if (reader.items === undefined) return [];
  return compare(roots, { reader: reader.items, writer: writer.items ?? true, field: `${field}[]`, depth: depth + 1 });
}

function fieldsOf(schema: JsonSchema): Readonly<Record<string, unknown>> {
  return (schema.properties as Record<string, unknown> | undefined) ?? {};
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value : [];
}

/** JSON with sorted keys and without annotations, so that equal text means equal schemas. */
export function canonical(schema: unknown): string {
  return JSON.stringify(plain(schema, false)) ?? "undefined";
}

/** `names`: the keys are names of fields, of which one may be called "title". */
function plain(value: unknown, names: boolean): unknown {
  if (Array.isArray(value)) return value.map((element) => plain(element, false));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => names || key === "$defs" || !annotations.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, plain(inner, !names && (key === "properties" || key === "$defs"))]),
  );
}
