import type { JsonSchema } from "../contract/schema.ts";
import { isAny } from "./canonical.ts";

const hopsMax = 64;

/** What a schema says once its reference is followed, keywords beside it included; `true` where it leads nowhere. */
export function resolved(node: unknown, root: JsonSchema): JsonSchema | boolean {
  let schema = node;
  for (let hops = 0; hops < hopsMax; hops++) {
    if (schema === null || typeof schema !== "object") return schema !== false;
    const { $ref, ...beside } = schema as JsonSchema;
    if (typeof $ref !== "string") return schema as JsonSchema;
    const target = $ref
      .replace(/^#\/?/, "")
      .split("/")
      .filter((key) => key !== "")
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"))
      .reduce<unknown>((at, key) => (at as JsonSchema | undefined)?.[key], root);
    schema = isAny(beside) || typeof target !== "object" ? target : { ...target, ...beside };
  }
  return true;
}

/** What a union is of; of any other schema itself. */
export function alternatives(schema: JsonSchema): readonly unknown[] {
  const { anyOf, oneOf, ...beside } = schema;
  const union = anyOf ?? oneOf;
  if (Array.isArray(union)) {
    if (anyOf !== undefined && oneOf !== undefined) beside.oneOf = oneOf;
    return isAny(beside) ? union : union.map((one) => (typeof one === "object" ? { ...beside, ...one } : one));
  }
  const { type } = schema;
  return Array.isArray(type) ? type.map((one) => ({ ...schema, type: one })) : [schema];
}

/** The types of what fits; null: any. */
export function typesOf(schema: JsonSchema): readonly string[] | null {
  if (typeof schema.type === "string") return [schema.type];
  return valuesOf(schema)?.map(typeOf) ?? null;
}

export function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

/** The values that a schema lists; undefined where it lists none. */
export function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  if ("const" in schema) return [schema.const];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

/** The fields that it names. */
export function fieldsOf(schema: JsonSchema): Readonly<Record<string, unknown>> {
  return (schema.properties as Record<string, unknown> | undefined) ?? {};
}

export function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value : [];
}
