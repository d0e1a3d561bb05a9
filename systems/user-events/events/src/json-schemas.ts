import type { ValidateFunction } from "ajv";

/** Of schemas that are used no more, the memory is worth more than their compiling. */
const compiledMax = 500;
const problemsMax = 5;
const compiled = new Map<string, ValidateFunction>();

/**
 * What is wrong with a value by a JSON Schema, given as its text; null for nothing. Known by the text alone, which a version of a
 * schema never changes. The validator is loaded with the first schema: most of a start does without.
 */
export async function problemsOf(definition: string, value: unknown): Promise<string | null> {
  const validate = compiled.get(definition) ?? (await compile(definition));
  try {
    if (validate(value)) return null;
  } catch {
    return "its schema refers to itself without end";
  }
  const problems = (validate.errors ?? []).slice(0, problemsMax);
  return problems
    .map(({ instancePath, message, params }) => {
      const named = "additionalProperty" in params ? ` (${params.additionalProperty})` : "";
      return `${instancePath.slice(1).replaceAll("/", ".") || "properties"} ${message}${named}`;
    })
    .join("; ");
}

async function compile(definition: string): Promise<ValidateFunction> {
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  if (compiled.size >= compiledMax) compiled.clear();
  // One compiler for each: two schemas may have one $id. Formats are notes, as draft 2020-12 has them unless asked otherwise.
  const validate = new Ajv2020({ strict: false, validateFormats: false, allErrors: false }).compile(
    JSON.parse(definition),
  );
  compiled.set(definition, validate);
  return validate;
}
