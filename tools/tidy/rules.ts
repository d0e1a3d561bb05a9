import type { Rule } from "./house.ts";
import { dependencyDirection } from "./rules/dependency-direction.ts";
import { docstrings } from "./rules/docstrings.ts";
import { entriesAreForOthers, entryExports } from "./rules/entries.ts";
import { importCycles } from "./rules/import-cycles.ts";
import { links } from "./rules/links.ts";
import { bannedNames } from "./rules/names.ts";
import { portsHaveTwoImplementations } from "./rules/ports.ts";
import { fileSizes, folderSizes } from "./rules/sizes.ts";
import { sqlSchemas } from "./rules/sql-schemas.ts";
import { noMachinePaths, noModuleMocks, noUnfinishedMarks } from "./rules/text-rules.ts";

/** Every house rule by the name that the allowlist uses. What Biome can check stands in biome.json instead. */
export const rules = {
  bannedNames,
  dependencyDirection,
  docstrings,
  entriesAreForOthers,
  entryExports,
  fileSizes,
  folderSizes,
  importCycles,
  links,
  noMachinePaths,
  noModuleMocks,
  noUnfinishedMarks,
  portsHaveTwoImplementations,
  sqlSchemas,
} satisfies Record<string, Rule>;

/** The name of a house rule. */
export type RuleName = keyof typeof rules;
