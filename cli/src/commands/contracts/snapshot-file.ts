import type { ContractsSnapshot } from "@banyan/kernel/versions";
import { z } from "zod";

const schema = z.record(z.string(), z.unknown());
const names = z.array(z.string());
const action = z.object({
  input: schema,
  output: schema,
  faults: names,
  access: z.string(),
  http: z.string().optional(),
  httpStatus: z.int().optional(),
  httpText: names.optional(),
  httpHeaders: z.record(z.string(), z.string()).optional(),
  httpAnswer: z.string().optional(),
});
const kinds = [
  ...(["invalid", "unauthenticated", "forbidden", "not_found", "conflict"] as const),
  ...(["pending", "exhausted", "unavailable", "deadline", "internal"] as const),
];
const fault = z.object({ kind: z.enum(kinds), retry: z.enum(["no", "yes", "unknown"]), details: schema.optional() });
const event = z.object({ key: z.string().nullable(), data: schema, reads: schema.optional() });

/** What `banyan contracts snapshot` prints, read again; fields that a later version has added are passed over. */
export const SnapshotFile: z.ZodType<ContractsSnapshot> = z.object({
  snapshot: z.literal(1),
  services: z.record(
    z.string(),
    z.object({
      instanced: z.boolean(),
      faults: z.record(z.string(), fault),
      commands: z.record(z.string(), action),
      queries: z.record(z.string(), action),
      events: z.record(z.string(), event),
      jobs: z.record(z.string(), z.object({ input: schema })),
      workflows: z.record(z.string(), action).optional(),
    }),
  ),
});
