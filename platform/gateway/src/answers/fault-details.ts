import { outputJsonSchema } from "@banyan/kernel/app";
import type { Schema } from "@banyan/kernel/types";
import type { Service } from "../routes/route-table.ts";
import { type Serialiser, serialiserOf } from "../routes/serialiser.ts";
import type { DetailsSerialiser } from "./problem.ts";

/** Serialises the details of the services' declared faults; each serialiser is made when its fault is first raised. */
export function detailsSerialiser(services: readonly Service[]): DetailsSerialiser {
  const schemas = new Map<string, Schema>();
  for (const { contract } of services) {
    for (const { code, details } of Object.values(contract.faults))
      if (details !== undefined) schemas.set(code, details);
  }
  const made = new Map<string, Serialiser>();
  return ({ code, details }) => {
    const schema = schemas.get(code);
    if (schema === undefined) return undefined;
    const serialise = made.get(code) ?? serialiserOf(outputJsonSchema(schema));
    made.set(code, serialise);
    return serialise(details);
  };
}
