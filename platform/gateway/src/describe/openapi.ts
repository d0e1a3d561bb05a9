import { FAULT_STATUS, inputJsonSchema, type JsonSchema, outputJsonSchema } from "@banyan/kernel/app";
import type { AnyFaultType } from "@banyan/kernel/types";
import { inWords } from "../answers/problem.ts";
import { refusalCatalogue } from "../answers/refusals.ts";
import type { Route, Service } from "../routes/route-table.ts";
import { opened, SchemaComponents } from "./schema-components.ts";

export interface Described {
  readonly title: string;
  readonly version: string;
  readonly services: readonly Service[];
  readonly routes: readonly Route[];
}

/** The OpenAPI 3.1 document of the routes: inputs as callers send them, outputs as they leave, faults by status. */
export function openApiDocument({ title, version, services, routes }: Described): JsonSchema {
  const components = new SchemaComponents();
  components.add("Problem", problemSchema);
  const faults = new Map(
    services.flatMap(({ contract }) => Object.values(contract.faults).map((fault) => [fault.code, fault] as const)),
  );
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([^/]+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, components, faults) };
  }
  return {
    openapi: "3.1.0",
    info: { title, version },
    servers: [{ url: "/" }],
    tags: services.map(({ contract }) => ({ name: contract.name })),
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        apiKey: { type: "http", scheme: "bearer", description: "An API key, as Authorization: Bearer <key>." },
      },
      parameters: { idempotencyKey },
    },
    "x-faults": [
      ...[...faults.values()].map(({ code, kind }) => ({ code, kind, status: FAULT_STATUS[kind] })),
      ...refusalCatalogue,
    ],
  };
}

function operation(route: Route, components: SchemaComponents, faults: ReadonlyMap<string, AnyFaultType>): JsonSchema {
  const { action } = route;
  const { definition, id, service } = action;
  const input = inputJsonSchema(definition.input);
  const inputReference = components.add(`${id}.input`, input);
  const parameters = parametersOf(route, components.schemas[`${id}.input`] as JsonSchema);
  const body = bodyOf(route, components, inputReference);
  if (action.kind !== "query") parameters.push({ $ref: "#/components/parameters/idempotencyKey" });
  return {
    operationId: id,
    tags: [service],
    ...(definition.summary !== undefined && { summary: definition.summary }),
    security: definition.access === "public" ? [] : [{ apiKey: [definition.access] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: body }),
    responses: { ...successOf(route, components), ...problemsOf(route, faults, components) },
  };
}

const hasBody = ({ method }: Route) => method === "POST" || method === "PUT" || method === "PATCH";

function parametersOf(route: Route, input: JsonSchema): JsonSchema[] {
  const { properties = {}, required = [] } = input as { properties?: Record<string, JsonSchema>; required?: string[] };
  const inPath = route.parameters.map((name) => ({
    name,
    in: "path",
    required: true,
    schema: properties[name] ?? { type: "string" },
  }));
  const headers = Object.entries(route.action.definition.httpHeaders ?? {}).map(([field, name]) => ({
    name,
    in: "header",
    ...(required.includes(field) && { required: true }),
    schema: properties[field] ?? { type: "string" },
  }));
  const inHead = [...inPath, ...headers];
  if (hasBody(route)) return inHead;
  const inQuery = Object.entries(properties)
    .filter(([name]) => !isInHead(route, name))
    .map(([name, schema]) => ({ name, in: "query", ...(required.includes(name) && { required: true }), schema }));
  return [...inHead, ...inQuery];
}

/** Whether the path or a header carries the field. */
const isInHead = ({ parameters, action }: Route, field: string) =>
  parameters.includes(field) || Object.hasOwn(action.definition.httpHeaders ?? {}, field);

/** The input without what path and headers carry. */
function bodyOf(route: Route, components: SchemaComponents, reference: JsonSchema): JsonSchema | undefined {
  if (!hasBody(route)) return undefined;
  const name = `${route.action.id}.input`;
  const { properties, required, ...rest } = components.schemas[name] as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  let schema = reference;
  const isRequired = properties === undefined || (required ?? []).some((field) => !isInHead(route, field));
  const left = (field: string) => !isInHead(route, field);
  if (properties !== undefined && !Object.keys(properties).every(left)) {
    schema = { ...rest, properties: Object.fromEntries(Object.entries(properties).filter(([field]) => left(field))) };
    const stillRequired = (required ?? []).filter(left);
    if (stillRequired.length > 0) schema.required = stillRequired;
  }
  const text = route.action.definition.httpText;
  const texts = (text?.contentTypes ?? []).map((type) => [
    type,
    { schema: { ...(type !== "application/json" && { type: "string" }), description: `Becomes ${text?.field}.` } },
  ]);
  return { required: isRequired, content: { "application/json": { schema }, ...Object.fromEntries(texts) } };
}

function successOf({ action }: Route, components: SchemaComponents): JsonSchema {
  const { definition, id } = action;
  const status = definition.httpStatus ?? 200;
  if (status === 204) return { 204: { description: "Done; nothing to say." } };
  const schema = components.add(`${id}.output`, opened(outputJsonSchema(definition.output)));
  const replayed = {
    "Idempotency-Replayed": { description: "true where the answer was given before.", schema: { const: "true" } },
  };
  return {
    [status]: {
      description: definition.summary ?? "Done.",
      ...(action.kind !== "query" && { headers: replayed }),
      content:
        definition.httpAnswer === undefined
          ? {
              "application/json": { schema },
              ...("httpFollow" in definition && { "text/event-stream": { schema: { type: "string" } } }),
            }
          : { [definition.httpAnswer.contentType]: { schema: { type: "string" } } },
    },
  };
}

/** What any call may end in, by status; the catalogue test holds the codes to their statuses. */
const always = {
  400: "kernel.invalidInput",
  429: "gateway.rateLimited",
  500: "kernel.internal",
  503: "kernel.notRunning",
  504: "kernel.deadline",
};

function problemsOf(route: Route, faults: ReadonlyMap<string, AnyFaultType>, components: SchemaComponents): JsonSchema {
  const { action } = route;
  const codes = new Map<number, string[]>();
  const add = (status: number, code: string) => codes.set(status, [...(codes.get(status) ?? []), code]);
  for (const name of action.definition.faults ?? []) {
    const fault = faults.get(`${action.service}.${name}`);
    if (fault === undefined) continue;
    add(FAULT_STATUS[fault.kind], fault.code);
    if (fault.details !== undefined) components.add(`${fault.code}.details`, opened(outputJsonSchema(fault.details)));
  }
  for (const [status, code] of Object.entries(always)) add(Number(status), code);
  if (action.definition.access !== "public") add(401, "kernel.unauthenticated");
  if (action.definition.access !== "public") add(403, "kernel.forbidden");
  if (action.kind !== "query") add(409, "kernel.idempotencyConflict");
  if (action.kind === "command" && action.definition.answers === "once") add(409, "kernel.answeredOnce");
  if (action.kind === "workflow") add(202, "kernel.pending");
  if (hasBody(route)) add(413, "gateway.bodyTooLarge");
  if (hasBody(route)) add(415, "gateway.unsupportedMediaType");
  return Object.fromEntries(
    [...codes].map(([status, list]) => [
      status,
      { ...problemResponse(list, components), ...(status === 202 && { headers: locationOfRun }) },
    ]),
  );
}

function problemResponse(codes: readonly string[], components: SchemaComponents): JsonSchema {
  const withDetails = codes.filter((code) => `${code}.details` in components.schemas);
  const references = withDetails.map((code) => ({ $ref: `#/components/schemas/${code}.details` }));
  const properties = {
    // One of these; not an enum that is closed, since a later version may say more.
    code: { type: "string", examples: codes },
    ...(references.length > 0 && { details: references.length === 1 ? references[0] : { anyOf: references } }),
  };
  return {
    description: codes.map((code) => `${inWords(code)} (${code})`).join("; "),
    content: {
      "application/problem+json": { schema: { allOf: [{ $ref: "#/components/schemas/Problem" }, { properties }] } },
    },
  };
}

const locationOfRun: JsonSchema = {
  Location: {
    description: "Where to ask how the workflow's run stands, while it goes on and after it.",
    schema: { type: "string" },
  },
};

const idempotencyKey: JsonSchema = {
  name: "Idempotency-Key",
  in: "header",
  description: "The same key with the same request gives the same answer, once; make one per intent, such as a UUID.",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[\\x21-\\x7e]+$" },
};

const problemSchema: JsonSchema = {
  type: "object",
  description: "RFC 9457, with a stable code.",
  required: ["type", "title", "status", "detail", "code", "traceId", "retry"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string" },
    field: { type: "string", description: "The first field that was refused, as a path with dots." },
    issues: {
      type: "array",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string" }, message: { type: "string" } },
      },
    },
    traceId: { type: "string" },
    retry: {
      enum: ["no", "yes", "unknown"],
      description:
        "yes: nothing was done, try again; unknown: it may have been done, try again with the same Idempotency-Key.",
    },
    details: {},
  },
};
