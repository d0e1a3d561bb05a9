import { type Comment, type Program, parseSync } from "oxc-parser";

/** One `import`, `export … from` or `import()`. */
export type Import = { specifier: string; isTypeOnly: boolean; isReExport: boolean; names: string[] };

/** A name that a module exports; `from` is set when it only passes it on, `name` is `*` for all of them. */
export type Export = { name: string; localName: string; from?: string };

/** What a source text imports and exports, with its syntax tree. */
export type Module = { imports: Import[]; exports: Export[]; program: Program; comments: Comment[] };

/** Parses TypeScript; `path` only names it in the error. */
export function parseModule(path: string, text: string): Module {
  const { module, program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const entries = module.staticExports.flatMap((statement) => statement.entries);
  const imports = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      specifier: moduleRequest.value,
      isTypeOnly: entries.length > 0 && entries.every((entry) => entry.isType),
      isReExport: false,
      names: entries.map((entry) => entry.importName.name ?? (entry.importName.kind === "Default" ? "default" : "*")),
    })),
    ...entries.flatMap(({ moduleRequest, isType, importName }) =>
      moduleRequest === null
        ? []
        : [{ specifier: moduleRequest.value, isTypeOnly: isType, isReExport: true, names: [importName.name ?? "*"] }],
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest }) => {
      const source = text.slice(moduleRequest.start, moduleRequest.end);
      const literal = /^["'](.*)["']$/.exec(source)?.[1];
      return literal === undefined ? [] : [{ specifier: literal, isTypeOnly: false, isReExport: false, names: ["*"] }];
    }),
  ];
  const exports = entries.map(({ exportName, localName, importName, moduleRequest }) => ({
    name: exportName.name ?? (exportName.kind === "Default" ? "default" : "*"),
    localName: localName.name ?? importName.name ?? "*",
    ...(moduleRequest === null ? {} : { from: moduleRequest.value }),
  }));
  return { imports, exports, program, comments };
}
