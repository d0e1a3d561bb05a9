import type { Issue, JsonSchema, Schema } from "../../contract/schema.ts";

interface Field {
  readonly json: JsonSchema;
  readonly isOptional: boolean;
  fits(value: unknown): boolean;
}

const textMax = 255;

type Fields = Readonly<Record<string, Field>>;

/** A text that is not empty. */
export const text: Field = {
  json: { type: "string", minLength: 1, maxLength: textMax },
  isOptional: false,
  fits: (value) => typeof value === "string" && value !== "" && value.length <= textMax,
};

/** An instant in ISO 8601, UTC, as `Date.toISOString` writes it. */
export const instant: Field = {
  json: { type: "string", format: "date-time" },
  isOptional: false,
  fits: (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)),
};

/** A text of any length, such as an error. */
export const longText: Field = {
  json: { type: "string" },
  isOptional: false,
  fits: (value) => typeof value === "string",
};

/** A text that matches from its beginning to its end. */
export function written(pattern: RegExp): Field {
  return {
    json: { type: "string", pattern: pattern.source },
    isOptional: false,
    fits: (value) => typeof value === "string" && pattern.test(value),
  };
}

export const yesOrNo: Field = {
  json: { type: "boolean" },
  isOptional: false,
  fits: (value) => typeof value === "boolean",
};

export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): Field {
  return {
    json: { type: "integer", minimum, maximum },
    isOptional: false,
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
  };
}

export function oneOf(words: readonly string[]): Field {
  return {
    json: { type: "string", enum: [...words] },
    isOptional: false,
    fits: (value) => words.includes(value as string),
  };
}

/** Objects with such fields, and no others. */
export function listOf(fields: Fields): Field {
  return {
    json: { type: "array", items: jsonOf(fields) },
    isOptional: false,
    fits: (value) => Array.isArray(value) && value.every((one) => issuesOf(fields, one).length === 0),
  };
}

/** Any JSON. */
export const anything: Field = { json: {}, isOptional: false, fits: () => true };

export function orNull(field: Field): Field {
  return {
    json: { anyOf: [field.json, { type: "null" }] },
    isOptional: field.isOptional,
    fits: (value) => value === null || field.fits(value),
  };
}

export function optional(field: Field): Field {
  return { ...field, isOptional: true };
}

/** A closed object of such fields: contracts of the kernel's own need no library. */
export function objectSchema<T>(fields: Fields): Schema<T> {
  const json = () => jsonOf(fields);
  const validate = (value: unknown) => {
    const issues = issuesOf(fields, value);
    return issues.length > 0 ? { issues } : { value: value as T };
  };
  return { "~standard": { version: 1, vendor: "banyan", validate, jsonSchema: { input: json, output: json } } };
}

function jsonOf(fields: Fields): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.json])),
    required: Object.keys(fields).filter((name) => fields[name]?.isOptional === false),
    additionalProperties: false,
  };
}

function issuesOf(fields: Fields, value: unknown) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [issue("", "must be an object")];
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(fields, name));
  const unfit = Object.entries(fields).filter(([name, { isOptional, fits }]) =>
    given[name] === undefined ? !isOptional : !fits(given[name]),
  );
  return [
    ...unfit.map(([name]) => issue(name, given[name] === undefined ? "is missing" : "does not fit")),
    ...unknown.map((name) => issue(name, "is unknown")),
  ];
}

function issue(path: string, message: string): { readonly message: Issue["message"]; readonly path: string[] } {
  return { message, path: path === "" ? [] : [path] };
}
