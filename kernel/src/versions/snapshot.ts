import type { AnyAction } from "../contract/action.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { AnyFaultType, FaultKind, Retry } from "../contract/fault.ts";
import { inputJsonSchema, type JsonSchema, outputJsonSchema } from "../contract/schema.ts";
import { keyTemplate } from "./key-template.ts";

/** What contracts promise, as JSON with sorted names: written to a file, it is what a later version is compared with. */
export interface ContractsSnapshot {
  /** Of this format. */
  readonly snapshot: 1;
  readonly services: Readonly<Record<string, ServiceSnapshot>>;
}

export interface ServiceSnapshot {
  readonly instanced: boolean;
  readonly faults: Readonly<Record<string, FaultSnapshot>>;
  readonly commands: Readonly<Record<string, ActionSnapshot>>;
  readonly queries: Readonly<Record<string, ActionSnapshot>>;
  readonly events: Readonly<Record<string, EventSnapshot>>;
  readonly jobs: Readonly<Record<string, JobSnapshot>>;
  /** Only where there are any. */
  readonly workflows?: Readonly<Record<string, ActionSnapshot>> | undefined;
}

export interface FaultSnapshot {
  readonly kind: FaultKind;
  readonly retry: Retry;
  readonly details?: JsonSchema | undefined;
}

export interface ActionSnapshot {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  readonly faults: readonly string[];
  readonly access: string;
  readonly http?: string | undefined;
  readonly httpStatus?: number | undefined;
  /** Content types, beside JSON. */
  readonly httpText?: readonly string[] | undefined;
  readonly httpHeaders?: Readonly<Record<string, string>> | undefined;
  /** The content type, where it is not JSON. */
  readonly httpAnswer?: string | undefined;
}

export interface EventSnapshot {
  /** See `keyTemplate`. */
  readonly key: string | null;
  /** What is emitted and stored. */
  readonly data: JsonSchema;
  /** What its subscribers take, where that is something else: fields with a default may be missing there. */
  readonly reads?: JsonSchema | undefined;
}

export interface JobSnapshot {
  readonly input: JsonSchema;
}

/** What the contracts promise now. Throws where a schema has no JSON Schema. */
export function snapshotOf(contracts: readonly AnyContract["contract"][]): ContractsSnapshot {
  return { snapshot: 1, services: sorted(Object.fromEntries(contracts.map((one) => [one.name, serviceOf(one)]))) };
}

function serviceOf(contract: AnyContract["contract"]): ServiceSnapshot {
  const { commands, queries, events, jobs, workflows, faults } = contract;
  return {
    instanced: contract.actions.some((action) => action.instanced),
    faults: mapped(faults, faultOf),
    commands: mapped(commands, actionOf),
    queries: mapped(queries, actionOf),
    events: mapped(events, ({ definition }) => {
      const [data, reads] = [plain(outputJsonSchema(definition.data)), plain(inputJsonSchema(definition.data))];
      const differs = JSON.stringify(data) !== JSON.stringify(reads);
      return { key: keyTemplate(definition), data, ...(differs && { reads }) };
    }),
    jobs: mapped(jobs, ({ definition }) => ({ input: plain(inputJsonSchema(definition.input)) })),
    ...(Object.keys(workflows).length > 0 && { workflows: mapped(workflows, actionOf) }),
  };
}

function faultOf({ kind, retry, details }: AnyFaultType): FaultSnapshot {
  return { kind, retry, ...(details !== undefined && { details: plain(outputJsonSchema(details)) }) };
}

function actionOf({ definition }: AnyAction): ActionSnapshot {
  const { input, output, faults = [], access, http, httpStatus, httpText, httpHeaders, httpAnswer } = definition;
  return {
    ...(http !== undefined && { http }),
    ...(httpStatus !== undefined && { httpStatus }),
    ...(httpText !== undefined && { httpText: [...httpText.contentTypes].sort() }),
    ...(httpHeaders !== undefined && { httpHeaders }),
    ...(httpAnswer !== undefined && { httpAnswer: httpAnswer.contentType }),
    access,
    faults: [...faults].sort(),
    input: plain(inputJsonSchema(input)),
    output: plain(outputJsonSchema(output)),
  };
}

function plain({ $schema: _, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

function mapped<T, R>(all: Readonly<Record<string, T>>, map: (one: T) => R): Record<string, R> {
  return sorted(Object.fromEntries(Object.entries(all).map(([name, one]) => [name, map(one)])));
}

function sorted<T>(all: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}
