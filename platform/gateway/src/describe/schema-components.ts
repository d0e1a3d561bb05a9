import type { JsonSchema } from "@banyan/kernel/app";

const prefix = "#/components/schemas/";

/**
 * Collects schemas under `components/schemas` of one OpenAPI document. Libraries write references relative to their own
 * schema (`#`, `#/$defs/Money`); in a document they must be relative to it.
 */
export class SchemaComponents {
  readonly schemas: Record<string, JsonSchema> = {};
  /** Of each shared definition: its text as the library wrote it. */
  private readonly texts = new Map<string, string>();

  /** Adds the schema of an input or output under its name, with the definitions it brings; answers a reference to it. */
  add(name: string, { $defs = {}, ...schema }: JsonSchema): JsonSchema {
    const definitions = Object.entries($defs as Record<string, JsonSchema>);
    const places = new Map([["#", `${prefix}${name}`]]);
    for (const [key, definition] of definitions)
      places.set(`#/$defs/${key}`, `${prefix}${this.placeOf(key, definition, name)}`);
    for (const [key, definition] of definitions) {
      this.schemas[(places.get(`#/$defs/${key}`) as string).slice(prefix.length)] = relocated(definition, places);
    }
    this.schemas[name] = relocated(schema, places);
    return { $ref: `${prefix}${name}` };
  }

  /** Definitions of the same name and content share a place, so that "Money" is one schema however many actions use it. */
  private placeOf(key: string, definition: JsonSchema, owner: string): string {
    const place = key.replace(/[^A-Za-z0-9._-]/g, "_");
    const text = JSON.stringify(definition);
    const known = this.texts.get(place);
    if (known !== undefined && known !== text) return `${owner}.${place}`;
    this.texts.set(place, text);
    return place;
  }
}

function relocated(schema: JsonSchema, places: ReadonlyMap<string, string>): JsonSchema {
  return mapped(schema, (key, value) =>
    key === "$ref" && typeof value === "string" ? (places.get(value) ?? value) : value,
  );
}

/** An output's schema for readers: a field more must not break clients, so nothing says that there will be no other. */
export function opened(schema: JsonSchema): JsonSchema {
  return mapped(schema, (key, value) => (key === "additionalProperties" && value === false ? undefined : value));
}

/** For readers of JSON Schema draft 7, which AsyncAPI 3.0 is based on: of what libraries emit only tuples are written otherwise. */
export function asDraft07(schema: JsonSchema): JsonSchema {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    const { prefixItems, items, ...rest } = value as JsonSchema;
    const isTuple = Array.isArray(prefixItems);
    const elements = isTuple ? { items: prefixItems, additionalItems: items } : { items };
    const members = Object.entries({ ...rest, ...elements }).filter(([, member]) => member !== undefined);
    return Object.fromEntries(members.map(([key, member]) => [key, walk(member)]));
  };
  return walk(schema) as JsonSchema;
}

/** The schema with each member replaced; undefined takes it out. */
function mapped(schema: JsonSchema, replace: (key: string, value: unknown) => unknown): JsonSchema {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => key !== "$schema")
        .map(([key, member]) => [key, walk(replace(key, member))])
        .filter(([, member]) => member !== undefined),
    );
  };
  return walk(schema) as JsonSchema;
}
