import type { ValidateFunction } from "ajv";

/**
 * Compiles a JSON Schema (draft 2020-12), or raises what is wrong with it. Formats are notes, as the draft has them unless asked otherwise.
 * Patterns are RE2's, whose time grows with the text alone: `^(a+)+$` may not hold up whoever stores everybody's events. So there is
 * no looking around, no reference back, and no more than 1,000 repetitions. Both libraries are loaded with the first schema: most of
 * a start does without.
 */
export async function compileSchema(definition: object): Promise<ValidateFunction> {
  const [{ Ajv2020 }, { RE2JS }] = await Promise.all([import("ajv/dist/2020.js"), import("re2js")]);
  const compilePattern = (pattern: string) => RE2JS.compile(RE2JS.translateRegExp(pattern));
  // Its code is for validators that are written to files.
  const regExp = Object.assign(compilePattern, { code: "" });
  // One compiler for each: two schemas may have one $id.
  return new Ajv2020({ strict: false, validateFormats: false, code: { regExp } }).compile(definition);
}
