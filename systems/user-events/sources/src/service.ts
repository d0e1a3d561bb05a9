import { implement } from "@banyan/kernel";
import { sources } from "./contract.ts";
import { createSource } from "./create-source.ts";
import { readPseudonymKey, readPseudonyms, rotatePseudonymKey } from "./pseudonym-keys.ts";
import { findSchemaOf, listSchemas, readSchema } from "./read-schemas.ts";
import { findByWriteKey, findSource, listSources } from "./read-sources.ts";
import { registerSchema } from "./register-schema.ts";

/** Sources and schemas on the service's own tables. */
export const sourcesService = implement(sources, {
  migrations: new URL("../sql/", import.meta.url),
  commands: { create: createSource, registerSchema, rotatePseudonymKey },
  queries: {
    list: listSources,
    byWriteKey: findByWriteKey,
    find: findSource,
    pseudonymKey: readPseudonymKey,
    pseudonymsOf: readPseudonyms,
    schema: readSchema,
    schemas: listSchemas,
    schemaOf: findSchemaOf,
  },
});
