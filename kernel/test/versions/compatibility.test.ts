import { expect, test } from "vitest";
import { z } from "zod";
import { inputJsonSchema, type JsonSchema, outputJsonSchema, type Schema } from "../../src/contract/schema.ts";
import { canonical } from "../../src/versions/canonical.ts";
import { breakingChanges, unreadable } from "../../src/versions/compatibility.ts";

const schemas = (input: Schema, output: Schema) => ({
  input: inputJsonSchema(input),
  output: outputJsonSchema(output),
});
const nothing = z.object({});

/** What a caller of `was` meets at a service of `is`. */
function sending(was: Schema, is: Schema) {
  return breakingChanges(schemas(was, nothing), schemas(is, nothing)).map(
    ({ field, problem }) => `${field} ${problem}`,
  );
}
function getting(was: Schema, is: Schema) {
  return breakingChanges(schemas(nothing, was), schemas(nothing, is)).map(
    ({ field, problem }) => `${field} ${problem}`,
  );
}

const was = z.strictObject({
  id: z.string(),
  count: z.int().min(1).max(10),
  kind: z.enum(["a", "b"]),
  note: z.string().optional(),
});

test("the same schemas, and those that only take more, break nothing", () => {
  expect(sending(was, was)).toEqual([]);
  expect(sending(was, was.extend({ added: z.string().optional(), defaulted: z.int().default(3) }))).toEqual([]);
  expect(sending(was, was.extend({ count: z.number().min(0).max(20) }))).toEqual([]);
  expect(sending(was, was.extend({ kind: z.enum(["a", "b", "c"]) }))).toEqual([]);
  expect(sending(was, was.extend({ id: z.union([z.string(), z.number()]) }))).toEqual([]);
});

test("each thing that an input takes no more is named by its field", () => {
  expect(sending(was, was.extend({ added: z.string() }))).toEqual(["input.added is required, was not there"]);
  expect(sending(was, was.extend({ note: z.string() }))).toEqual(["input.note is required, was optional"]);
  expect(sending(was, was.omit({ note: true }))).toEqual(["input.note is not there any more"]);
  expect(sending(was, was.extend({ id: z.number() }))).toEqual(["input.id is number, was string"]);
  expect(sending(was, was.extend({ kind: z.enum(["a"]) }))).toEqual(['input.kind "b" is not taken any more']);
  expect(sending(was, was.extend({ count: z.int().min(1).max(5) }))).toEqual(["input.count maximum is 5, was 10"]);
  expect(sending(was, was.extend({ id: z.string().regex(/^x/) }))).toEqual(['input.id pattern is "^x", was not given']);
});

test("each thing that an output no longer has is named; what it has beside is not", () => {
  const out = z.object({ id: z.string(), note: z.string().optional(), kind: z.enum(["a", "b"]) });
  expect(getting(out, out.extend({ more: z.int() }))).toEqual([]);
  expect(getting(out, out.extend({ kind: z.enum(["a"]) }))).toEqual([]);
  expect(getting(out, out.omit({ id: true }))).toEqual(["output.id is not there any more"]);
  expect(getting(out, out.partial({ id: true }))).toEqual(["output.id is optional, was required"]);
  expect(getting(out, out.extend({ kind: z.enum(["a", "b", "c"]) }))).toEqual(['output.kind may be "c"']);
  expect(getting(out, out.extend({ id: z.string().nullable() }))).toEqual(["output.id is null, was string"]);
});

test("arrays, records, unions and schemas that contain themselves are followed", () => {
  const list = (inner: Schema) => z.strictObject({ lines: z.array(inner as z.ZodType) });
  const line = z.strictObject({ sku: z.string() });
  expect(sending(list(line), list(line.extend({ count: z.int() })))).toEqual([
    "input.lines[].count is required, was not there",
  ]);
  expect(sending(z.record(z.string(), z.int()), z.record(z.string(), z.string()))).toEqual([
    "input.{} is string, was integer",
  ]);
  const event = (second: Schema) =>
    z.discriminatedUnion("type", [z.strictObject({ type: z.literal("a") }), second as never]);
  const b = z.strictObject({ type: z.literal("b"), size: z.int() });
  expect(sending(event(b), event(b.extend({ colour: z.string() })))).toEqual([
    "input.colour is required, was not there",
  ]);
  const node = z.strictObject({
    name: z.string(),
    get parent(): z.ZodOptional<z.ZodType> {
      return node.optional();
    },
  });
  expect(sending(node, node)).toEqual([]);
});

test("descriptions say nothing, but a field may be called description", () => {
  const described = z.strictObject({ id: z.string().describe("the id") });
  expect(canonical(inputJsonSchema(described))).toBe(canonical(inputJsonSchema(z.strictObject({ id: z.string() }))));
  const other = z.strictObject({ id: z.string(), description: z.string() });
  expect(canonical(inputJsonSchema(other))).not.toBe(canonical(inputJsonSchema(described)));
});

/** Of JSON Schemas as other libraries, and other people's programs, write them. */
function reading(writer: JsonSchema, reader: JsonSchema) {
  return unreadable({ writer, reader, objects: "closed", later: "reader" }, "input").map(
    ({ field, problem }) => `${field} ${problem}`,
  );
}

test("what a definition means is compared where it is used, however deep", () => {
  const of = (amount: JsonSchema) => ({
    type: "object",
    properties: {
      lines: { type: "array", items: { type: "object", properties: { price: { $ref: "#/$defs/Money" } } } },
    },
    $defs: { Money: { type: "object", properties: { amount }, required: ["amount"] } },
  });
  expect(reading(of({ type: "integer" }), of({ type: "string" }))).toEqual([
    "input.lines[].price.amount is string, was integer",
  ]);
  const list = (value: JsonSchema) => ({
    $ref: "#/$defs/Node",
    $defs: { Node: { type: "object", properties: { value, next: { $ref: "#/$defs/Node" } } } },
  });
  expect(reading(list({ type: "integer" }), list({ type: "number" }))).toEqual([]);
  expect(reading(list({ type: "number" }), list({ type: "integer" }))).toEqual(["input.value is integer, was number"]);
});

test("a keyword that the judge does not know must be the same", () => {
  const old = { type: "object", allOf: [{ required: ["a"] }] };
  expect(reading(old, old)).toEqual([]);
  expect(reading(old, { type: "object" })).toEqual([]);
  expect(reading(old, { type: "object", allOf: [{ required: ["b"] }] })).toEqual([
    'input allOf is [{"required":["b"]}], was [{"required":["a"]}]',
  ]);
});

test("values without a type, fields with the names of methods, and bounds of either kind are what they are", () => {
  expect(reading({ const: 3 }, { type: "string" })).toEqual(["input is string, was integer"]);
  expect(reading({ enum: ["aa", "b"] }, { type: "string", maxLength: 2, minLength: 1 })).toEqual([]);
  expect(reading({ enum: ["aa"] }, { type: "string", maxLength: 1 })).toEqual(["input maxLength is 1, was 2"]);
  const fields = (...names: string[]) => ({
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, {}])),
    additionalProperties: false,
  });
  expect(reading(fields("constructor"), fields("toString"))).toEqual(["input.constructor is not there any more"]);
  expect(reading({ type: "integer", exclusiveMinimum: 0 }, { type: "integer", minimum: 1 })).toEqual([]);
  expect(reading({ type: "number", minimum: 0 }, { type: "number", exclusiveMinimum: 0 })).toEqual([
    "input minimum is beyond 0, was 0",
  ]);
});

test("what is no schema, or too large for one, is said and never thrown", () => {
  const odd = [{ anyOf: [] }, { $ref: "#/nowhere" }, { type: 5 }, { properties: null, required: 7 }, { items: [] }];
  for (const writer of odd) for (const reader of odd) reading(writer as JsonSchema, reader as JsonSchema);
  let deep: JsonSchema = { type: "string" };
  for (let depth = 0; depth < 100; depth++) deep = { type: "array", items: deep };
  expect(reading({ ...deep, minItems: 1 }, deep)).toEqual([]);
  expect(reading(deep, { type: "array", items: { ...(deep.items as object), minItems: 1 } })).toEqual([
    "input[] minItems is 1, was not given",
  ]);
  const branching = (of: string) => ({
    ...{
      $ref: "#/$defs/n0",
      $defs: Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`n${at}`, pair(at, of)])),
    },
  });
  const pair = (at: number, of: string) => ({
    properties: { l: { $ref: `#/$defs/n${at + 1}` }, r: { $ref: `#/$defs/n${at + 1}` }, of: { const: of } },
  });
  expect(reading(branching("a"), branching("b")).length).toBe(20);
});
