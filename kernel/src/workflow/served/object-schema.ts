import type { Issue, JsonSchema, Schema } from "../../contract/schema.ts";

interface Field {
  readonly json: JsonSchema;
  readonly isOptional: boolean;
  fits(value: unknown): boolean;
}

const textMax = 255;

/** A text that is not empty. */
export const text: Field = {
  json: { type: "string", minLength: 1, maxLength: textMax },
  isOptional: false,
  fits: (value) => typeof value === "string" && value !== "" && value.length <= textMax,
};

/** Any JSON. */
export const anything: Field = { json: {}, isOptional: false, fits: () => true };

export function optional(field: Field): Field {
  return { ...field, isOptional: true };
}

/** A closed object of such fields: contracts of the kernel's own need no library. */
export function objectSchema<T>(fields: Readonly<Record<string, Field>>): Schema<T> {
  const names = Object.keys(fields);
  const json = () => ({
    type: "object",
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.json])),
    required: names.filter((name) => fields[name]?.isOptional === false),
    additionalProperties: false,
  });
  const validate = (value: unknown) => {
    const issues = issuesOf(fields, value);
    return issues.length > 0 ? { issues } : { value: value as T };
  };
  return { "~standard": { version: 1, vendor: "banyan", validate, jsonSchema: { input: json, output: json } } };
}

function issuesOf(fields: Readonly<Record<string, Field>>, value: unknown) {
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
