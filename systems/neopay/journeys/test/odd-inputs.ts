import type { JsonSchema } from "@banyan/kernel/app";
import fc from "fast-check";

/** What callers send by mistake or on purpose where something else was asked for; NUL apart, which the gateway refuses wherever it stands. */
const odd = fc.constantFrom<unknown>(
  ...["", " ", "\ud800", "x".repeat(300), "%00", "../..", "💥", "-1", "1e309", "NaN", "2026-02-30"],
  ...["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "00000000-0000-0000-0000-000000000000", "ZZZ"],
  ...[0, -1, 1.5, 2 ** 31, 2 ** 53 - 1, 1 - 2 ** 53, 1e21, true, null],
  ...[[], [[]], {}, { a: { b: 1 } }],
);

/** Fields by name, so that calls get further than to the first thing that does not exist. */
export type Known = Readonly<Record<string, readonly unknown[]>>;

/** Values that mostly fit the schema, and now and then do not: whatever comes of them, it must not be an error of ours. */
export function nearly(schema: JsonSchema, known: Known = {}): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 1, arbitrary: odd }, { weight: 12, arbitrary: fitting(schema, known) });
}

function fitting(schema: JsonSchema, known: Known): fc.Arbitrary<unknown> {
  const { type, properties, items = {}, minimum = -1_000, maximum = 1_000, ...more } = schema;
  if ("const" in more) return fc.constant(more.const);
  if ("enum" in more) return fc.constantFrom(...(more.enum as unknown[]));
  const branches = (more.anyOf ?? more.oneOf) as JsonSchema[] | undefined;
  if (branches !== undefined) return fc.oneof(...branches.map((branch) => nearly(branch, known)));
  if (properties !== undefined) return object(properties as Record<string, JsonSchema>, schema, known);
  if (type === "array") return fc.array(nearly(items as JsonSchema, known), { maxLength: 3 });
  if (type === "integer" || type === "number")
    return fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constantFrom(minimum, maximum));
  if (type === "boolean") return fc.boolean();
  if (type === "object") return fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 3 });
  return fc.oneof(withoutNul, fc.uuid(), fc.constantFrom(...texts));
}

const withoutNul = fc.string({ maxLength: 40, unit: "binary" }).map((text) => text.replaceAll("\0", "0"));
const texts = ["EUR", "2026-11-22", "2026-11-22T10:00:00Z", "a".repeat(64), "https://example.com/"];

function object(properties: Record<string, JsonSchema>, { required }: JsonSchema, known: Known) {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const values = known[name] ?? [];
    const arbitrary = nearly(schema, known);
    const mostly = { weight: values.length > 0 ? 3 : 0, arbitrary: fc.constantFrom(undefined, ...values) };
    return [name, fc.oneof(mostly, { weight: 1, arbitrary })] as const;
  });
  return fc.record(Object.fromEntries(fields), { requiredKeys: (required ?? []) as string[] });
}
