import type { AnyEvent } from "../contract/action.ts";
import { handsOn, inputJsonSchema, type Schema } from "../contract/schema.ts";
import type { StoredEvent } from "../store/store.ts";
import { knownFields } from "../versions/known-fields.ts";

/**
 * What a handler gets of an event. It was validated when it was emitted, by the version of the contract that the emitter has; here
 * it is by the subscriber's, which passes over fields that it does not know: else no event could ever gain one.
 */
export function dataOf({ id, definition: { data: schema } }: AnyEvent, stored: StoredEvent): unknown {
  const data: unknown = JSON.parse(stored.data);
  if (stored.validatedBy === schema && handsOn(schema)) return data;
  const result = validated(schema, data, id);
  if (result.issues === undefined) return result.value;
  const known = validated(schema, knownFields(inputJsonSchema(schema), data), id);
  if (known.issues === undefined) return known.value;
  throw new Error(`${stored.id} does not fit the schema of ${id} any more: ${result.issues[0]?.message}`);
}

function validated(schema: Schema, data: unknown, id: string) {
  const result = schema["~standard"].validate(data);
  if (result instanceof Promise) throw new Error(`${id} needs a schema that validates without a promise`);
  return result;
}
