import type { JsonSchema } from "../contract/schema.ts";
import { alternatives, fieldsOf, listOf, resolved, typeOf, typesOf, valuesOf } from "./json-schema.ts";

const depthMax = 64;

/**
 * The value without the fields that its schema does not know, wherever it refuses others; of a union's alternatives by the one
 * that keeps the most. What fits none comes back as it is: validation says why.
 */
export function knownFields(schema: JsonSchema, value: unknown): unknown {
  return fitting({ schema, value, depth: 0 }, schema)?.value ?? value;
}

interface Place {
  readonly schema: unknown;
  readonly value: unknown;
  readonly depth: number;
}

interface Fit {
  readonly value: unknown;
  readonly droppedCount: number;
}

/** Null: the value is of another form. Bounds are not looked at. */
function fitting({ schema: node, value, depth }: Place, root: JsonSchema): Fit | null {
  const schema = resolved(node, root);
  if (schema === false || depth > depthMax) return null;
  if (schema === true) return { value, droppedCount: 0 };
  const union = alternatives(schema);
  if (union.length !== 1 || union[0] !== schema) {
    const fits = union.map((one) => fitting({ schema: one, value, depth: depth + 1 }, root));
    return fits.reduce(
      (best, fit) => (fit && (best === null || fit.droppedCount < best.droppedCount) ? fit : best),
      null,
    );
  }
  const type = typeOf(value);
  const isOther = typesOf(schema)?.every((one) => one !== type && !(one === "number" && type === "integer")) ?? false;
  const isUnlisted = valuesOf(schema)?.every((one) => JSON.stringify(one) !== JSON.stringify(value)) ?? false;
  if (isOther || isUnlisted) return null;
  if (type === "array") return arrayFitting({ schema, value, depth }, root);
  return type === "object" ? objectFitting({ schema, value, depth }, root) : { value, droppedCount: 0 };
}

function arrayFitting({ schema, value, depth }: Place, root: JsonSchema): Fit | null {
  const { prefixItems, items = true } = schema as JsonSchema;
  const first: readonly unknown[] = listOf(prefixItems);
  const fits = (value as readonly unknown[]).map((element, at) =>
    fitting({ schema: first[at] ?? items, value: element, depth: depth + 1 }, root),
  );
  return fits.includes(null) ? null : { value: fits.map((fit) => fit?.value), droppedCount: dropped(fits) };
}

function objectFitting({ schema, value, depth }: Place, root: JsonSchema): Fit | null {
  const { required, additionalProperties = true } = schema as JsonSchema;
  if (!listOf(required).every((name) => Object.hasOwn(value as object, name))) return null;
  const fields = fieldsOf(schema as JsonSchema);
  const others = resolved(additionalProperties, root);
  const entries = Object.entries(value as object);
  const known = entries.filter(([name]) => Object.hasOwn(fields, name) || others !== false);
  const fits = known.map(([name, field]) => {
    const schema = Object.hasOwn(fields, name) ? fields[name] : others;
    return fitting({ schema, value: field, depth: depth + 1 }, root);
  });
  if (fits.includes(null)) return null;
  const kept = Object.fromEntries(known.map(([name], at) => [name, fits[at]?.value]));
  return { value: kept, droppedCount: entries.length - known.length + dropped(fits) };
}

function dropped(fits: readonly (Fit | null)[]): number {
  return fits.reduce((sum, fit) => sum + (fit?.droppedCount ?? 0), 0);
}
