import { posix } from "node:path";
import type { Package } from "../../workspace.ts";
import type { House, TextFile, Violation } from "../house.ts";

/** A service's SQL names only its own schema, and creates no table outside of one. */
export function sqlSchemas(house: House): Violation[] {
  const services = house.packages.filter(({ folder }) => /^(systems|platform)\//.test(folder));
  const schemas = new Set(["banyan", "public", ...services.map(schemaOf)]);
  return services.flatMap((service) => {
    const files = house.files.filter(({ path }) => isSqlOf(service, path));
    return files.flatMap((file) => [...foreignTables(file, schemaOf(service), schemas), ...bareTables(file)]);
  });
}

const schemaOf = ({ folder }: Package): string => posix.basename(folder).replaceAll("-", "_");

function isSqlOf({ folder }: Package, path: string): boolean {
  return path.startsWith(`${folder}/sql/`) || (path.startsWith(`${folder}/src/`) && path.endsWith(".ts"));
}

/** Only names after a keyword that a table follows count: `FROM p.at` in `extract` means an alias. */
function foreignTables({ path, text }: TextFile, own: string, schemas: Set<string>): Violation[] {
  const tables = withoutComments(path, text).matchAll(
    /\b(?:from|join|into|update|table|references|using)\s+(?:only\s+)?"?([a-z_]+)"?\."?([a-z_]+)/gi,
  );
  return [...tables]
    .filter(([, schema = ""]) => schema !== own && schemas.has(schema))
    .map(([, schema, table]) => ({
      subject: path,
      message: `reads or writes ${schema}.${table}: data crosses services by call or event, never by a table`,
    }));
}

function bareTables({ path, text }: TextFile): Violation[] {
  const created = withoutComments(path, text).matchAll(
    /\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(\w+)(?![\w.])/gi,
  );
  return [...created].map(([, table]) => ({ subject: path, message: `creates ${table} without its schema's name` }));
}

const withoutComments = (path: string, text: string): string =>
  path.endsWith(".sql") ? text.replaceAll(/--.*$/gm, "") : text;
