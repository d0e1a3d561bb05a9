import { expect, test } from "vitest";
import { z } from "zod";
import { breakingChanges, canonical } from "../src/contract/compatibility.ts";
import { inputJsonSchema, outputJsonSchema, type Schema } from "../src/contract/schema.ts";

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
  expect(sending(was, was.extend({ id: z.number() }))).toEqual(["input.id was string, is number"]);
  expect(sending(was, was.extend({ kind: z.enum(["a"]) }))).toEqual(['input.kind "b" is not taken']);
  expect(sending(was, was.extend({ count: z.int().min(1).max(5) }))).toEqual(["input.count maximum is 5, was 10"]);
  expect(sending(was, was.extend({ id: z.string().regex(/^x/) }))).toEqual(['input.id pattern is "^x", was not given']);
});

test("each thing that an output no longer has is named; what it has beside is not", () => {
  const out = z.object({ id: z.string(), note: z.string().optional(), kind: z.enum(["a", "b"]) });
  expect(getting(out, out.extend({ more: z.int() }))).toEqual([]);
  expect(getting(out, out.extend({ kind: z.enum(["a"]) }))).toEqual([]);
  expect(getting(out, out.omit({ id: true }))).toEqual(["output.id is required, was not there"]);
  expect(getting(out, out.partial({ id: true }))).toEqual(["output.id is required, was optional"]);
  expect(getting(out, out.extend({ kind: z.enum(["a", "b", "c"]) }))).toEqual(['output.kind "c" is not taken']);
  expect(getting(out, out.extend({ id: z.string().nullable() }))).toEqual(["output.id was null, is string"]);
});

test("arrays, records, unions and schemas that contain themselves are followed", () => {
  const list = (inner: Schema) => z.strictObject({ lines: z.array(inner as z.ZodType) });
  const line = z.strictObject({ sku: z.string() });
  expect(sending(list(line), list(line.extend({ count: z.int() })))).toEqual([
    "input.lines[].count is required, was not there",
  ]);
  expect(sending(z.record(z.string(), z.int()), z.record(z.string(), z.string()))).toEqual([
    "input.{} was integer, is string",
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
