import fc from "fast-check";
import { expect, test } from "vitest";
import { unreadable } from "../../src/contract/compatibility.ts";
import { inputJsonSchema, outputJsonSchema } from "../../src/contract/schema.ts";
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
