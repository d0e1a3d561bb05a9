import type { JsonSchema } from "@banyan/kernel/app";
import compile from "fast-json-stringify";

/** JSON text of a value: only what the schema names. Throws where a required field is missing or no branch of a union fits. */
export type Serialiser = (value: unknown) => string;

/**
 * The serialiser of an output's JSON Schema, as Zod, Valibot and ArkType write it (draft 2020-12). Throws where it cannot be one; it
 * is compiled when it is first used, since a start would wait for a hundred of them.
 */
export function serialiserOf(schema: JsonSchema): Serialiser {
  const opened = open(schema) as Parameters<typeof compile>[0];
  let serialise: Serialiser = (value) => {
    serialise = compile(opened) as Serialiser;
    return serialise(value);
  };
  return (value) => serialise(value);
}

/**
 * The schema in the words that fast-json-stringify takes: it speaks draft 7, leaves out what is not declared without
 * `additionalProperties: false`, and with it would not find the branch of a union for a value that has a field too many.
 */
function open(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(open);
  if (typeof schema !== "object" || schema === null) return schema;
  const { $schema: _, additionalProperties, prefixItems, items, anyOf, ...rest } = schema as JsonSchema;
  const result: JsonSchema = {};
  for (const [key, value] of Object.entries(rest)) result[key] = opened(key, value);
  if (additionalProperties !== undefined && additionalProperties !== false) {
    result.additionalProperties = open(additionalProperties);
  }
  if (Array.isArray(prefixItems)) {
    // Elements beyond the named ones would leave unfiltered.
    if (items !== undefined && items !== false)
      throw new Error("a list with named elements and a rest cannot be an output");
    result.items = prefixItems.map(open);
  } else if (items !== undefined) result.items = open(items);
  return Array.isArray(anyOf) ? union(result, anyOf.map(open) as JsonSchema[]) : result;
}

/** Keywords that hold schemas by name, whose names are no keywords, and keywords that hold values. */
function opened(key: string, value: unknown): unknown {
  if (key === "const" || key === "enum" || key === "default" || key === "examples") return value;
  if (key !== "properties" && key !== "$defs" && key !== "patternProperties") return open(value);
  return Object.fromEntries(Object.entries(value as JsonSchema).map(([name, schema]) => [name, open(schema)]));
}

/** "This or null" as a property of "this": without trying the branches one by one with a validator. */
function union(rest: JsonSchema, branches: JsonSchema[]): JsonSchema {
  const [one, ...others] = branches.filter(({ type }) => type !== "null");
  const isNullable = others.length === 0 && branches.length === 2;
  if (isNullable && typeof one?.type === "string") return { ...rest, ...one, nullable: true };
  return { ...rest, anyOf: branches };
}
