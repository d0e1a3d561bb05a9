import type { House, SourceFile, Violation } from "../house.ts";
import { entryFiles, targetsOf } from "../module-graph.ts";

type Statement = SourceFile["program"]["body"][number];

/** What an entry exports has a docstring where it is declared. */
export function docstrings(house: House): Violation[] {
  const byPath = new Map(house.sources.map((source) => [source.path, source]));
  const entries = house.packages.filter(({ manifest }) => manifest.private !== true).flatMap(entryFiles);
  const missing = entries.flatMap((path) => {
    const entry = byPath.get(path);
    return entry?.exports.flatMap(({ name }) => undocumented(house, byPath, { source: entry, name })) ?? [];
  });
  const unique = new Map(missing.map((violation) => [violation.subject, violation]));
  return [...unique.values()];
}

type Search = { source: SourceFile; name: string };

function undocumented(house: House, byPath: Map<string, SourceFile>, { source, name }: Search): Violation[] {
  const found = source.exports.find((one) => one.name === name);
  if (found === undefined) return [];
  if (found.from !== undefined) {
    const hop = targetsOf(house, source).find(({ import: { specifier } }) => specifier === found.from)?.target;
    const next = hop !== undefined && "file" in hop ? byPath.get(hop.file) : undefined;
    return next === undefined ? [] : undocumented(house, byPath, { source: next, name: found.localName });
  }
  const statement = source.program.body.find((one) => declaredNames(one).includes(found.localName));
  if (statement === undefined || hasDocstring(source, statement)) return [];
  return [{ subject: `${source.path} ${name}`, message: "has no docstring: its first sentence is the promise" }];
}

function declaredNames(statement: Statement): string[] {
  const isExport = statement.type === "ExportNamedDeclaration" || statement.type === "ExportDefaultDeclaration";
  const declaration = isExport ? statement.declaration : statement;
  if (declaration === null) return [];
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
  }
  return "id" in declaration && declaration.id?.type === "Identifier" ? [declaration.id.name] : [];
}

function hasDocstring({ comments, text }: SourceFile, { start }: Statement): boolean {
  return comments.some(
    (comment) =>
      comment.type === "Block" &&
      comment.value.startsWith("*") &&
      comment.end <= start &&
      text.slice(comment.end, start).trim() === "",
  );
}
