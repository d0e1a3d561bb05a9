import type { JsonSchema } from "../contract/schema.ts";

/** Keywords that say something to people, and nothing about values. */
const annotations = new Set([
  ...["$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples", "deprecated"],
]);

export function isAnnotation(keyword: string): boolean {
  return annotations.has(keyword);
}

/** Whether every value fits it. */
export function isAny(schema: JsonSchema): boolean {
  return Object.keys(schema).every(isAnnotation);
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
      .filter(([key]) => names || key === "$defs" || !isAnnotation(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, plain(inner, !names && (key === "properties" || key === "$defs"))]),
  );
}
