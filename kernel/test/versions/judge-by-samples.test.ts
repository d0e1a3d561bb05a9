import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { inputJsonSchema, outputJsonSchema } from "../../src/contract/schema.ts";
import { unreadable } from "../../src/versions/compatibility.ts";
import { knownFields } from "../../src/versions/known-fields.ts";
import { samples, versions, zodOf } from "./shapes.ts";

const runs = { numRuns: 500 };

test("an input breaks where the new version refuses a value that the old one took, and nowhere else", () => {
  fc.assert(
    fc.property(versions, ([old, is]) => {
      const [writer, reader] = [inputJsonSchema(zodOf(old, "in")), inputJsonSchema(zodOf(is, "in"))];
      const found = unreadable({ writer, reader, objects: "closed", later: "reader" }, "input");
      const schema = zodOf(is, "in");
      const refused = samples(old, "in").filter((value) => !schema.safeParse(value).success);
      expect({ found: found.length > 0, because: found, refused }).toMatchObject({ found: refused.length > 0 });
    }),
    runs,
  );
});

test("an output breaks where the new version writes what a reader of the old one, blind for new fields, refuses", () => {
  fc.assert(
    fc.property(versions, ([old, is]) => {
      const [reader, writer] = [outputJsonSchema(zodOf(old, "out")), outputJsonSchema(zodOf(is, "out"))];
      const found = unreadable({ writer, reader, objects: "open", later: "writer" }, "output");
      const schema = zodOf(old, "out", "open");
      const refused = samples(is, "out").filter((value) => !schema.safeParse(value).success);
      expect({ found: found.length > 0, because: found, refused }).toMatchObject({ found: refused.length > 0 });
    }),
    runs,
  );
});

test("an event that the judge lets pass is read by subscribers of the old version, without what they do not know", () => {
  fc.assert(
    fc.property(versions, ([old, is]) => {
      const [known, now] = [zodOf(old, "in"), zodOf(is, "out")];
      const [reader, writer] = [outputJsonSchema(known), outputJsonSchema(now)];
      fc.pre(unreadable({ writer, reader, objects: "open", later: "writer" }, "data").length === 0);
      const taken = inputJsonSchema(known);
      const refused = samples(is, "out").filter((value) => !known.safeParse(knownFields(taken, value)).success);
      expect(refused).toEqual([]);
      for (const value of samples(old, "out")) expect(knownFields(taken, value)).toEqual(value);
    }),
    runs,
  );
});

test("of a union's alternatives the one that keeps the most is taken", () => {
  const schema = z.union([z.strictObject({ a: z.int() }), z.strictObject({ a: z.int(), b: z.int() })]);
  expect(knownFields(inputJsonSchema(schema), { a: 1, b: 2, c: 3 })).toEqual({ a: 1, b: 2 });
  const tree = z.strictObject({
    name: z.string(),
    get children() {
      return z.array(tree);
    },
  });
  const given = { name: "a", more: 1, children: [{ name: "b", children: [], more: 2 }] };
  expect(knownFields(inputJsonSchema(tree), given)).toEqual({ name: "a", children: [{ name: "b", children: [] }] });
  expect(knownFields(inputJsonSchema(tree), { more: 1 })).toEqual({ more: 1 });
});
