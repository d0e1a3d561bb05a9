import type { AnySignal } from "./action.ts";
import type { AnyContract } from "./contract.ts";
import { inputJsonSchema, type JsonSchema, outputJsonSchema, type Schema } from "./schema.ts";

/**
 * What is wrong with a contract that its types cannot tell, one sentence each: inputs that let unknown fields through,
 * schemas that cannot be converted to JSON Schema, routes that name no field. An application refuses to be created on any.
 */
export function contractProblems({ contract }: AnyContract): readonly string[] {
  const problems: string[] = [];
  const add = (id: string, found: readonly string[]) => problems.push(...found.map((problem) => `${id}: ${problem}`));
  for (const { id, definition } of contract.actions) {
    const { input, output, access, http, httpText, httpHeaders = {}, httpAnswer } = definition;
    // Types ask for it; a program may be run without them.
    if (!access) add(id, [`it does not say who may call it: access: "public", or the permission that it takes`]);
    const schema = converted(input, inputJsonSchema);
    const answer = converted(output, outputJsonSchema);
    add(id, problemsOf("input", schema));
    add(id, problemsOf("output", answer, "open"));
    if (typeof schema === "string") continue;
    const fields = Object.keys((schema.properties as object | undefined) ?? {});
    const named = [...(http?.matchAll(/:(\w+)/g) ?? [])].map(([, name = ""]) => name);
    named.push(...Object.keys(httpHeaders), ...(httpText === undefined ? [] : [httpText.field]));
    for (const name of named) {
      if (!fields.includes(name)) add(id, [`its route names ${name}, which its input does not have`]);
    }
    if (typeof answer === "string") continue;
    const answered = Object.keys((answer.properties as object | undefined) ?? {});
    const follow = "httpFollow" in definition ? definition.httpFollow : undefined;
    for (const name of [httpAnswer?.field, ...(follow === undefined ? [] : [follow.list, "next"])]) {
      if (name !== undefined && !answered.includes(name)) {
        add(id, [`its answer is ${name}, which its output does not have`]);
      }
    }
    if (follow !== undefined && !fields.includes("after")) add(id, ["it is followed, and has no `after` in its input"]);
  }
  for (const { id, definition } of Object.values(contract.events)) {
    add(id, problemsOf("data", converted(definition.data, inputJsonSchema)));
    add(id, problemsOf("data", converted(definition.data, outputJsonSchema), "open"));
  }
  for (const { id, definition } of Object.values(contract.jobs))
    add(id, problemsOf("input", converted(definition.input, inputJsonSchema)));
  for (const { signals } of Object.values(contract.workflows)) {
    for (const { id, data } of Object.values(signals as Readonly<Record<string, AnySignal>>))
      add(id, problemsOf("data", converted(data, inputJsonSchema)));
  }
  return problems;
}

/** The JSON Schema, or why there is none. */
function converted(schema: Schema, convert: (schema: Schema) => JsonSchema): JsonSchema | string {
  try {
    return convert(schema);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function problemsOf(
  part: string,
  schema: JsonSchema | string,
  objects: "closed" | "open" = "closed",
): readonly string[] {
  if (typeof schema === "string") return [`its ${part} has no JSON Schema (${schema})`];
  if (objects === "open") return [];
  return openObjects(schema, part).map(
    (path) =>
      `${path} lets unknown fields through; close it (Zod: strictObject, Valibot: strictObject, ArkType: "+": "reject")`,
  );
}

const depthMax = 64;

/** Paths of objects that say what fields they have and let others pass. A record says that any field is welcome. */
function openObjects(node: unknown, path: string, depth = 0): readonly string[] {
  if (node === null || typeof node !== "object" || depth > depthMax) return [];
  if (Array.isArray(node)) return node.flatMap((child) => openObjects(child, path, depth + 1));
  const { properties, additionalProperties, ...rest } = node as JsonSchema;
  const open =
    properties !== undefined && (additionalProperties === undefined || additionalProperties === true) ? [path] : [];
  const named = Object.entries((properties as object | undefined) ?? {});
  return [
    ...open,
    ...named.flatMap(([name, child]) => openObjects(child, `${path}.${name}`, depth + 1)),
    ...Object.values({ ...rest, additionalProperties }).flatMap((child) => openObjects(child, path, depth + 1)),
  ];
}
