import type { JsonSchema } from "@banyan/kernel/app";
import { refusal } from "../answers/refusals.ts";

/** How one field is written as text in a path or query string. */
export interface TextField {
  /** Given several times, it becomes a list. */
  readonly isList: boolean;
  /** False for a field that takes objects only. */
  readonly isWritable: boolean;
  read(name: string, text: string): unknown;
}

type JsonType = "string" | "number" | "boolean" | "null" | "array" | "object";

/** The fields of an object schema; empty where the schema is something else, such as a union. */
export function textFields(schema: JsonSchema): Map<string, TextField> {
  const { properties } = resolved(schema, schema);
  return new Map(
    Object.entries((properties ?? {}) as Record<string, JsonSchema>).map(([name, field]) => [
      name,
      acceptedBy(field, schema),
    ]),
  );
}

/** `root` holds the definitions that the field refers to. */
export function acceptedBy(field: JsonSchema, root: JsonSchema): TextField {
  const types = typesOf(field, root);
  if (types.has("array") && !types.has("string")) {
    const items = itemsOf(field, root);
    const item = items === undefined ? undefined : acceptedBy(items, root);
    return { isList: true, isWritable: item?.isWritable !== false, read: item?.read ?? ((_name, text) => text) };
  }
  const isWritable = types.size === 0 || [...types].some((type) => type !== "object" && type !== "null");
  if (types.has("string")) return { isList: false, isWritable, read: (_name, text) => text };
  if (types.has("number")) return { isList: false, isWritable, read: readNumber };
  if (types.has("boolean")) return { isList: false, isWritable, read: (_name, text) => readBoolean(text) };
  return { isList: false, isWritable, read: (_name, text) => text };
}

const numberPattern = /^-?(?:0|[1-9]\d{0,307})(?:\.\d{1,64})?(?:[eE][+-]?\d{1,3})?$/;

function readNumber(field: string, text: string): unknown {
  if (!numberPattern.test(text)) return text;
  const value = Number(text);
  if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return value;
  throw refusal("malformedInput", `${field}: the number ${text.slice(0, 40)} cannot be held exactly`, { field });
}

function readBoolean(text: string): unknown {
  return text === "true" ? true : text === "false" ? false : text;
}

/** Every type that the schema takes, looking through references, unions and intersections; empty where it does not say. */
function typesOf(schema: JsonSchema, root: JsonSchema, depth = 0): Set<JsonType> {
  const found = new Set<JsonType>();
  if (depth > 8) return found;
  const { type, enum: values, const: value, anyOf, oneOf, allOf } = resolved(schema, root);
  for (const one of [type].flat())
    if (typeof one === "string") found.add(one === "integer" ? "number" : (one as JsonType));
  if (found.size > 0) return found;
  const constants = Array.isArray(values) ? values : value === undefined ? [] : [value];
  for (const one of constants) found.add(one === null ? "null" : (typeof one as JsonType));
  for (const branch of [anyOf, oneOf, allOf].flatMap((branches) => (Array.isArray(branches) ? branches : []))) {
    for (const one of typesOf(branch as JsonSchema, root, depth + 1)) found.add(one);
  }
  return found;
}

function itemsOf(schema: JsonSchema, root: JsonSchema): JsonSchema | undefined {
  const { items, anyOf, oneOf, allOf } = resolved(schema, root);
  if (typeof items === "object" && items !== null && !Array.isArray(items)) return items as JsonSchema;
  for (const branch of [anyOf, oneOf, allOf].flatMap((branches) => (Array.isArray(branches) ? branches : []))) {
    const found = (branch as JsonSchema).items;
    if (typeof found === "object" && found !== null) return found as JsonSchema;
  }
  return undefined;
}

/** Follows `$ref` within the document, at most 8 times. */
function resolved(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let found = schema;
  for (let step = 0; step < 8 && typeof found.$ref === "string"; step++) {
    const keys = found.$ref.split("/").slice(1);
    const target = keys.reduce<unknown>((at, key) => (at as JsonSchema | undefined)?.[unescaped(key)], root);
    if (typeof target !== "object" || target === null) return {};
    found = target as JsonSchema;
  }
  return found;
}

const unescaped = (key: string) => decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~");
