import fc from "fast-check";
import { z } from "zod";

/** Schemas as data, so that they can be drawn, edited and sampled. Bounds lie so low that few values tell two of them apart. */
export type Shape =
  | { readonly is: "string"; readonly min: number; readonly max: number }
  | { readonly is: "integer" | "number"; readonly min: number; readonly max: number }
  | { readonly is: "boolean" }
  | { readonly is: "enum"; readonly of: readonly string[] }
  | { readonly is: "array"; readonly of: Shape; readonly max: number }
  | { readonly is: "record"; readonly of: Shape }
  | { readonly is: "nullable"; readonly of: Shape }
  | { readonly is: "union"; readonly of: Readonly<Record<string, Fields>> }
  | { readonly is: "object"; readonly of: Fields };

type Fields = Readonly<Record<string, Field>>;
interface Field {
  readonly shape: Shape;
  readonly presence: "required" | "optional" | "default";
}
/** What goes in may leave fields with defaults out; what comes out has them. */
export type Direction = "in" | "out";

const names = ["a", "b", "c"];
const words = ["x", "y", "zz"];
const bounds = fc.record({ min: fc.nat(2), max: fc.integer({ min: 3, max: 5 }) });

const { shape: shapes } = fc.letrec<{ shape: Shape; leaf: Shape; fields: Fields }>((tie) => ({
  leaf: fc.oneof(
    bounds.map((within) => ({ is: "string" as const, ...within })),
    bounds.map((within) => ({ is: "integer" as const, ...within })),
    bounds.map((within) => ({ is: "number" as const, ...within })),
    fc.constant({ is: "boolean" as const }),
    fc.subarray(words, { minLength: 1 }).map((of) => ({ is: "enum" as const, of })),
  ),
  fields: fc.dictionary(
    fc.constantFrom(...names),
    fc.record({ shape: tie("shape"), presence: fc.constantFrom("required", "optional", "default") }),
    { minKeys: 1, maxKeys: 3 },
  ) as fc.Arbitrary<Fields>,
  shape: fc.oneof(
    { maxDepth: 2 },
    tie("leaf"),
    fc.record({ is: fc.constant("array" as const), of: tie("shape"), max: fc.integer({ min: 1, max: 3 }) }),
    tie("shape").map((of) => ({ is: "record" as const, of })),
    tie("leaf").map((of) => ({ is: "nullable" as const, of })),
    fc.dictionary(fc.constantFrom("p", "q"), tie("fields"), { minKeys: 2 }).map((of) => ({ is: "union" as const, of })),
    tie("fields").map((of) => ({ is: "object" as const, of })),
  ),
}));

/** Two versions of one schema: a few edits apart, or strangers. */
export const versions: fc.Arbitrary<readonly [Shape, Shape]> = fc
  .tuple(shapes, shapes, fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), fc.nat(3))
  .map(([old, other, dice, count]) => {
    const roll = diceOf(dice);
    let edited = old;
    for (let at = 0; at < count; at++) edited = edit(edited, other, roll);
    return [old, edited] as const;
  });

function diceOf(dice: readonly number[]): (sides: number) => number {
  let at = 0;
  return (sides) => (dice[at++ % dice.length] ?? 0) % sides;
}

/** One change somewhere in it. */
function edit(shape: Shape, other: Shape, roll: (sides: number) => number): Shape {
  if (roll(4) === 0) return roll(2) === 0 ? other : { is: "nullable", of: leafOf(shape) };
  switch (shape.is) {
    case "string":
    case "integer":
    case "number":
      if (roll(4) === 0 && shape.is !== "string")
        return { ...shape, is: shape.is === "integer" ? "number" : "integer" };
      return roll(2) === 0 ? { ...shape, min: roll(3) } : { ...shape, max: 3 + roll(3) };
    case "enum":
      return {
        ...shape,
        of: words
          .filter((_, at) => at === roll(3) || roll(2) === 0)
          .concat("x")
          .filter(unique),
      };
    case "array":
      return roll(2) === 0 ? { ...shape, max: 1 + roll(3) } : { ...shape, of: edit(shape.of, other, roll) };
    case "record":
      return { ...shape, of: edit(shape.of, other, roll) };
    case "nullable":
      return roll(2) === 0 ? shape.of : { ...shape, of: leafOf(edit(shape.of, other, roll)) };
    case "object":
      return { ...shape, of: editFields(shape.of, other, roll) };
    case "union": {
      const keys = Object.keys(shape.of);
      const key = keys[roll(keys.length)] as string;
      return { ...shape, of: { ...shape.of, [key]: editFields(shape.of[key] as Fields, other, roll) } };
    }
    case "boolean":
      return other;
  }
}

function editFields(fields: Fields, other: Shape, roll: (sides: number) => number): Fields {
  const name = names[roll(names.length)] as string;
  const { [name]: field, ...others } = fields;
  const presence = (["required", "optional", "default"] as const)[roll(3)] as Field["presence"];
  if (field === undefined) return { ...fields, [name]: { shape: other, presence } };
  if (roll(3) === 0 && Object.keys(others).length > 0) return others;
  if (roll(2) === 0) return { ...fields, [name]: { ...field, presence } };
  return { ...fields, [name]: { ...field, shape: edit(field.shape, other, roll) } };
}

const unique = (value: string, at: number, all: readonly string[]) => all.indexOf(value) === at;

/** Nullable of what is no union itself. */
function leafOf(shape: Shape): Shape {
  return shape.is === "nullable" || shape.is === "union" ? { is: "boolean" } : shape;
}

/** The schema. A reader of "open" objects passes over fields that it does not know. */
export function zodOf(shape: Shape, direction: Direction, objects: "closed" | "open" = "closed"): z.ZodType {
  const inner = (of: Shape) => zodOf(of, direction, objects);
  const object = (fields: Record<string, z.ZodType>) =>
    objects === "closed" ? z.strictObject(fields) : z.object(fields);
  const fieldsOf = (fields: Fields) =>
    Object.fromEntries(
      Object.entries(fields).map(([name, { shape: of, presence }]) => {
        const type = inner(of);
        if (presence === "required" || (presence === "default" && objects === "open")) return [name, type];
        return [name, presence === "optional" ? type.optional() : type.default(samples(of, "out")[0] as never)];
      }),
    );
  switch (shape.is) {
    case "string":
      return z.string().min(shape.min).max(shape.max);
    case "integer":
      return z.int().min(shape.min).max(shape.max);
    case "number":
      return z.number().min(shape.min).max(shape.max);
    case "boolean":
      return z.boolean();
    case "enum":
      return z.enum(shape.of as [string]);
    case "array":
      return z.array(inner(shape.of)).max(shape.max);
    case "record":
      return z.record(z.string(), inner(shape.of));
    case "nullable":
      return inner(shape.of).nullable();
    case "object":
      return object(fieldsOf(shape.of));
    case "union":
      return z.discriminatedUnion(
        "type",
        Object.entries(shape.of).map(([type, fields]) =>
          object({ type: z.literal(type), ...fieldsOf(fields) }),
        ) as never,
      );
  }
}

/** Values of it that differ in one place at a time: where a reader refuses any value, it refuses one of these. */
export function samples(shape: Shape, direction: Direction): unknown[] {
  switch (shape.is) {
    case "string":
      return range(shape.min, shape.max)
        .map((length) => "w".repeat(length))
        .concat(words.filter(({ length }) => length >= shape.min && length <= shape.max));
    case "integer":
      return range(shape.min, shape.max);
    case "number":
      return range(shape.min, shape.max).flatMap((at) => (at < shape.max ? [at, at + 0.5] : [at]));
    case "boolean":
      return [true, false];
    case "enum":
      return [...shape.of];
    case "array": {
      const elements = samples(shape.of, direction);
      return [
        [],
        ...elements.map((one) => [one]),
        ...range(2, shape.max).map((length) => Array(length).fill(elements[0])),
      ];
    }
    case "record":
      return [
        {},
        ...samples(shape.of, direction).flatMap((value) => [...names, "other"].map((key) => ({ [key]: value }))),
      ];
    case "nullable":
      return [null, ...samples(shape.of, direction)];
    case "object":
      return objectSamples(shape.of, direction);
    case "union":
      return Object.entries(shape.of).flatMap(([type, fields]) =>
        objectSamples(fields, direction).map((value) => ({ type, ...value })),
      );
  }
}

function objectSamples(fields: Fields, direction: Direction): object[] {
  const entries = Object.entries(fields).map(([name, { shape, presence }]) => ({
    name,
    values: samples(shape, direction),
    isOptional: presence === "optional" || (presence === "default" && direction === "in"),
  }));
  const full = Object.fromEntries(entries.map(({ name, values }) => [name, values[0]]));
  return [
    full,
    ...entries.flatMap(({ name, values }) => values.slice(1).map((value) => ({ ...full, [name]: value }))),
    ...entries
      .filter(({ isOptional }) => isOptional)
      .map(({ name }) => {
        const { [name]: _, ...without } = full;
        return without;
      }),
  ];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
}
