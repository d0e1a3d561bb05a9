import { compileSchema } from "@banyan/user-events-formats";

type Validate = Awaited<ReturnType<typeof compileSchema>>;

/** Of schemas that are used no more, the memory is worth more than their compiling. */
const compiledMax = 500;
const problemsMax = 5;
const compiled = new Map<string, Validate>();

/**
 * What is wrong with a value by a JSON Schema, given as its text; null for nothing. Known by the text alone, which a version of a
 * schema never changes.
 */
export async function problemsOf(definition: string, value: unknown): Promise<string | null> {
  let validate: Validate;
  try {
    validate = compiled.get(definition) ?? (await compile(definition));
    if (validate(value)) return null;
  } catch (error) {
    if (error instanceof RangeError) return "its schema refers to itself without end";
    return `its schema cannot be used: ${(error as Error).message}`;
  }
  const problems = (validate.errors ?? []).slice(0, problemsMax);
  return problems
    .map(({ instancePath, message, params }) => {
      const named = "additionalProperty" in params ? ` (${params.additionalProperty})` : "";
      return `${instancePath.slice(1).replaceAll("/", ".") || "properties"} ${message}${named}`;
    })
    .join("; ");
}

async function compile(definition: string): Promise<Validate> {
  if (compiled.size >= compiledMax) compiled.clear();
  const validate = await compileSchema(JSON.parse(definition));
  compiled.set(definition, validate);
  return validate;
}
