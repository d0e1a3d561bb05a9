import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/**
 * What a contract takes as a schema: any library's value that speaks both Standard Schema and Standard JSON Schema.
 * Zod 4 and ArkType do as they are; Valibot's need `toStandardJsonSchema` of `@valibot/to-json-schema` around them.
 */
export interface Schema<Input = unknown, Output = Input> {
  readonly "~standard": StandardSchemaV1.Props<Input, Output> & StandardJSONSchemaV1.Props<Input, Output>;
}

/** What a caller may send. */
export type SchemaInput<S extends Schema> = NonNullable<S["~standard"]["types"]>["input"];
/** What validation hands on. */
export type SchemaOutput<S extends Schema> = NonNullable<S["~standard"]["types"]>["output"];

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Record<string, unknown>;

/** A value that validation refused: where, and why. `path` joins keys with dots; "" is the value itself. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** draft-2020-12 is what OpenAPI 3.1 speaks, and the one target that every library supports. */
const target = { target: "draft-2020-12" } as const;

/** The JSON Schema of what a caller sends, which is everybody's: not to be changed. Throws where the library cannot express it. */
export const inputJsonSchema = convertedOnce((schema) => schema["~standard"].jsonSchema.input(target));

/** The same of what leaves. Throws where the schema transforms, which an output must not. */
export const outputJsonSchema = convertedOnce((schema) => schema["~standard"].jsonSchema.output(target));

/** Checks, routes, deliveries and descriptions want the same conversions, and one takes a millisecond. */
function convertedOnce(convert: (schema: Schema) => JsonSchema): (schema: Schema) => JsonSchema {
  const converted = new WeakMap<Schema, JsonSchema>();
  return (schema) => {
    const known = converted.get(schema) ?? convert(schema);
    converted.set(schema, known);
    return known;
  };
}

const handingOn = new WeakMap<Schema, boolean>();

/** Whether what the schema answers is what it takes, as far as JSON Schema tells: then it takes its own answers as they are. */
export function handsOn(schema: Schema): boolean {
  const known =
    handingOn.get(schema) ?? JSON.stringify(inputJsonSchema(schema)) === JSON.stringify(outputJsonSchema(schema));
  handingOn.set(schema, known);
  return known;
}

const issuesMax = 20;

/** At most 20 issues of a value, with keys only: Valibot's paths carry the offending values, which must not reach a log. */
export function issuesOf(issues: readonly StandardSchemaV1.Issue[], value: unknown): readonly Issue[] {
  return issues.slice(0, issuesMax).map((issue) => {
    // Zod tells of unknown fields at the object they are in, and names them beside the path.
    const unknown = "keys" in issue && Array.isArray(issue.keys) ? issue.keys.slice(0, 1) : [];
    const path = [...(issue.path ?? []), ...unknown].map(keyOf);
    return { path: path.join("."), message: isAbsent(value, path, issue) ? "is missing" : issue.message };
  });
}

/** How Zod, ArkType and Valibot mark what a value is, and not what a rule of the contract wants of it, such as one field with another. */
const marksOfShape: readonly unknown[] = ["invalid_type", "invalid_value", "invalid_union", "required", "schema"];

/** Whether an issue is that a field is not there: each library has words of its own for that, most of them about `undefined`. */
function isAbsent(value: unknown, path: readonly string[], issue: StandardSchemaV1.Issue): boolean {
  const { code, kind } = issue as { readonly code?: unknown; readonly kind?: unknown };
  if (path.length === 0 || !marksOfShape.includes(code ?? kind)) return false;
  return (
    path.reduce((at, key) => (at as Readonly<Record<string, unknown>> | null | undefined)?.[key], value) === undefined
  );
}

function keyOf(segment: PropertyKey | StandardSchemaV1.PathSegment): string {
  return String(typeof segment === "object" ? segment.key : segment);
}

/**
 * The validated value, now. Throws `refuse`'s fault with every issue, and a plain Error for a schema that answers with
 * a promise: what leaves a service is checked inside its transaction, where there is nothing to wait for.
 */
export function validateNow<S extends Schema>(
  schema: S,
  value: unknown,
  refuse: (issues: readonly Issue[]) => Error,
): SchemaOutput<S> {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) throw new Error("outputs and events need a schema that validates without a promise");
  if (result.issues !== undefined) throw refuse(issuesOf(result.issues, value));
  return result.value as SchemaOutput<S>;
}
