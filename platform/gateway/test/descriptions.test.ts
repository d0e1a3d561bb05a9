import { command, defineContract, fault, implement, query } from "@banyan/kernel";
import type { AnyAction } from "@banyan/kernel/app";
import { outputJsonSchema } from "@banyan/kernel/app";
import type { Schema } from "@banyan/kernel/types";
import { Validator } from "@seriousme/openapi-schema-validator";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { openApiDocument } from "../src/describe/openapi.ts";
import { routeTable } from "../src/routes/route-table.ts";
import { serialiserOf } from "../src/routes/serialiser.ts";
import { serve } from "./serving.ts";
import { shopService } from "./shop.ts";

const Money = z.object({ amountMinor: z.int(), currency: z.string() }).meta({ id: "Money" });
interface Tree {
  name: string;
  children: Tree[];
}
const Tree: z.ZodType<Tree, Tree> = z
  .object({ name: z.string(), children: z.array(z.lazy(() => Tree)) })
  .meta({ id: "Tree" });

const bank = defineContract("bank", {
  faults: { short: fault("conflict", z.object({ missing: Money })), closed: fault("not_found") },
  commands: {
    pay: command({
      summary: "Pays.",
      input: z.strictObject({ account: z.string(), value: Money, note: z.string().optional() }),
      output: z.object({ paid: Money, left: Money }),
      faults: ["short", "closed"],
      http: "POST /accounts/:account/payments",
      httpStatus: 201,
      access: "bank:pay",
    }),
    close: command({
      input: z.strictObject({ account: z.string() }),
      output: z.null(),
      http: "DELETE /accounts/:account",
      httpStatus: 204,
      access: "bank:close",
    }),
  },
  queries: {
    tree: query({
      input: z.strictObject({ depth: z.int().default(1) }),
      output: Tree,
      http: "GET /tree",
      access: "public",
    }),
    money: query({
      input: z.strictObject({}),
      output: z.object({ one: Money.nullable() }),
      http: "GET /money",
      access: "public",
    }),
    valibot: query({
      input: toStandardJsonSchema(v.strictObject({ name: v.string(), count: v.optional(v.number(), 1) })),
      output: toStandardJsonSchema(v.object({ name: v.string() })),
      http: "POST /valibot",
      access: "public",
    }),
    arktype: query({
      input: type({ name: "string", "+": "reject" }),
      output: type({ name: "string" }),
      http: "POST /arktype",
      access: "public",
    }),
  },
});
const bankService = implement(bank, {
  commands: {
    pay: () => ({ paid: { amountMinor: 1, currency: "CZK" }, left: { amountMinor: 1, currency: "CZK" } }),
    close: () => null,
  },
  queries: {
    tree: () => ({ name: "", children: [] }),
    money: () => ({ one: null }),
    valibot: (_ctx, { name }) => ({ name }),
    arktype: (_ctx, { name }) => ({ name }),
  },
});

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>> };
}
interface Operation {
  operationId: string;
  parameters?: { name?: string; in?: string; $ref?: string; required?: boolean }[];
  requestBody?: { required: boolean; content: Record<string, { schema: Record<string, unknown> }> };
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
  security: Record<string, string[]>[];
}

describe("the OpenAPI document", () => {
  const services = [shopService, bankService];
  const document = openApiDocument({
    title: "Test",
    version: "1.0.0",
    services,
    routes: routeTable(services),
  }) as unknown as Document;

  test("is valid OpenAPI 3.1, and every reference in it leads somewhere", async () => {
    const validator = new Validator();
    const verdict = await validator.validate(structuredClone(document) as never);
    expect(verdict).toMatchObject({ valid: true });
    expect(validator.version).toBe("3.1");
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference as string);
    expect(references.length).toBeGreaterThan(30);
    for (const reference of references) {
      const target = reference
        .split("/")
        .slice(1)
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
      expect(target, reference).toBeDefined();
    }
    expect(text).not.toContain("$defs");
    expect(text).not.toContain("$schema");
  });

  test("tells of each action where its input goes, what it answers, what it may refuse and who may call", () => {
    const pay = document.paths["/accounts/{account}/payments"]?.post as Operation;
    expect(pay).toMatchObject({
      operationId: "bank.pay",
      tags: ["bank"],
      summary: "Pays.",
      security: [{ apiKey: ["bank:pay"] }],
    });
    expect(pay.parameters).toEqual([
      { name: "account", in: "path", required: true, schema: { type: "string" } },
      { $ref: "#/components/parameters/idempotencyKey" },
    ]);
    expect(pay.requestBody).toMatchObject({ required: true });
    const body = pay.requestBody?.content["application/json"]?.schema as {
      properties: object;
      required: string[];
      additionalProperties: boolean;
    };
    expect([Object.keys(body.properties), body.required, body.additionalProperties]).toEqual([
      ["value", "note"],
      ["value"],
      false,
    ]);
    expect(Object.keys(pay.responses)).toEqual([
      "201",
      "400",
      "401",
      "403",
      "404",
      "409",
      "413",
      "415",
      "429",
      "500",
      "503",
      "504",
    ]);
    expect(pay.responses["409"]?.description).toBe(
      "Short (bank.short); Idempotency conflict (kernel.idempotencyConflict)",
    );
    expect(document.paths["/accounts/{account}"]?.delete).toMatchObject({
      responses: { 204: { description: expect.any(String) } },
    });
    expect(document.paths["/search"]?.get?.parameters?.map(({ name, in: place }) => `${place} ${name}`)).toContain(
      "query limit",
    );
    expect(Object.keys(document.paths["/upload"]?.post?.requestBody?.content ?? {})).toEqual([
      "application/json",
      "application/xml",
      "text/csv",
    ]);
    const notice = document.paths["/notice"]?.post;
    expect(notice?.parameters).toEqual([{ name: "X-Signature", in: "header", schema: { type: "string" } }]);
    expect(notice?.requestBody?.content).toEqual({
      "application/json": { schema: { description: "Becomes content." } },
    });
    expect(Object.keys(document.paths["/receipt/{id}"]?.get?.responses["200"]?.content ?? {})).toEqual([
      "application/xml; charset=utf-8",
    ]);
    expect(document.paths["/users"]?.post?.parameters).toBe(undefined);
    expect(document.paths["/users/{id}"]?.get?.security).toEqual([]);
  });

  test("keeps inputs closed, opens outputs, and shares what services share", () => {
    const { schemas } = document.components;
    expect(schemas["bank.pay.input"]).toMatchObject({ additionalProperties: false });
    expect(schemas["bank.pay.output"]).not.toHaveProperty("additionalProperties");
    expect(schemas["bank.pay.output"]).toMatchObject({ properties: { paid: { $ref: "#/components/schemas/Money" } } });
    expect(Object.keys(schemas).filter((name) => name.endsWith("Money"))).toEqual(expect.arrayContaining(["Money"]));
    expect(JSON.stringify(schemas.Tree ?? schemas["bank.tree.output"])).toContain("#/components/schemas/");
  });

  test("is what the gateway serves, as are the files of the reference page, which need nothing from elsewhere", async () => {
    const { get } = await serve();
    const served = await get("/openapi.json");
    expect(await served.json()).toMatchObject({ openapi: "3.1.0", info: { title: "Shop", version: "1.2.3" } });
    for (const path of ["/docs", "/docs/reference.js", "/docs/reference.css"]) {
      const file = await get(path);
      const text = await file.text();
      expect(file.status).toBe(200);
      expect(file.headers.get("content-security-policy")).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'",
      );
      expect(text).not.toMatch(/https?:\/\/|innerHTML|\son[a-z]+="|<script>|<style|style="|eval\(/);
    }
  });
});

describe("an answer is serialised from the schema alone, whichever library wrote it", () => {
  const secret = { secret: "do not tell" };
  const cases: [name: string, schema: Schema, value: unknown, sent: unknown][] = [
    ["Zod object", z.object({ a: z.string(), b: z.int().optional() }), { a: "x", ...secret }, { a: "x" }],
    [
      "Zod nested list",
      z.array(z.object({ a: z.array(z.object({ b: z.int() })) })),
      [{ a: [{ b: 1, ...secret }], ...secret }],
      [{ a: [{ b: 1 }] }],
    ],
    [
      "Zod nullable",
      z.object({ a: z.string().nullable(), m: Money.nullable(), o: z.object({ x: z.int() }).nullable() }),
      { a: null, m: { amountMinor: 1, currency: "CZK", ...secret }, o: { x: 1, ...secret } },
      { a: null, m: { amountMinor: 1, currency: "CZK" }, o: { x: 1 } },
    ],
    [
      "Zod union",
      z.union([z.object({ kind: z.literal("a"), x: z.int() }), z.object({ kind: z.literal("b"), y: z.int() })]),
      { kind: "b", y: 2, ...secret },
      { kind: "b", y: 2 },
    ],
    [
      "Zod discriminated union in a list",
      z.array(
        z.discriminatedUnion("kind", [
          z.object({ kind: z.literal("a"), x: z.int() }),
          z.object({ kind: z.literal("b"), y: z.int() }),
        ]),
      ),
      [{ kind: "a", x: 1, ...secret }],
      [{ kind: "a", x: 1 }],
    ],
    ["Zod tuple", z.tuple([z.string(), z.object({ a: z.int() })]), ["x", { a: 1, ...secret }], ["x", { a: 1 }]],
    ["Zod record", z.record(z.string(), z.object({ a: z.int() })), { k: { a: 1, ...secret } }, { k: { a: 1 } }],
    [
      "Zod recursive",
      Tree,
      { name: "r", children: [{ name: "c", children: [], ...secret }] },
      { name: "r", children: [{ name: "c", children: [] }] },
    ],
    [
      "Zod intersection",
      z.intersection(z.object({ a: z.int() }), z.object({ b: z.int() })),
      { a: 1, b: 2, ...secret },
      { a: 1, b: 2 },
    ],
    [
      "Zod properties named like keywords",
      z.object({ items: z.object({ anyOf: z.int() }), properties: z.string(), const: z.object({ a: z.int() }) }),
      { items: { anyOf: 1, ...secret }, properties: "p", const: { a: 1, ...secret } },
      { items: { anyOf: 1 }, properties: "p", const: { a: 1 } },
    ],
    [
      "Zod scalars",
      z.object({ n: z.number(), b: z.boolean(), d: z.iso.date(), e: z.enum(["x", "y"]), u: z.unknown() }),
      { n: 1.5, b: false, d: "2026-11-21", e: "y", u: [1, { z: null }] },
      { n: 1.5, b: false, d: "2026-11-21", e: "y", u: [1, { z: null }] },
    ],
    ["Zod string with what JSON escapes", z.string(), 'a"\\\n\u2028é😀', 'a"\\\n\u2028é😀'],
    [
      "Valibot",
      toStandardJsonSchema(v.object({ a: v.string(), b: v.nullable(v.array(v.object({ c: v.number() }))) })),
      { a: "x", b: [{ c: 1, ...secret }], ...secret },
      { a: "x", b: [{ c: 1 }] },
    ],
    [
      "Valibot variant",
      toStandardJsonSchema(
        v.variant("kind", [v.object({ kind: v.literal("a"), x: v.number() }), v.object({ kind: v.literal("b") })]),
      ),
      { kind: "a", x: 1, ...secret },
      { kind: "a", x: 1 },
    ],
    [
      "ArkType",
      type({ a: "string", "b?": "number", c: type({ d: "string | null" }).array() }),
      { a: "x", c: [{ d: null, ...secret }], ...secret },
      { a: "x", c: [{ d: null }] },
    ],
    [
      "ArkType union",
      type({ kind: "'a'", x: "number" }).or({ kind: "'b'", y: "number" }),
      { kind: "b", y: 1, ...secret },
      { kind: "b", y: 1 },
    ],
  ];

  test.each(cases)("%s", (...[, schema, value, sent]) => {
    expect(JSON.parse(serialiserOf(outputJsonSchema(schema))(value))).toEqual(sent);
  });

  test("and a value that lacks what the schema demands is not sent", () => {
    expect(() => serialiserOf(outputJsonSchema(z.object({ a: z.string() })))({})).toThrow("required");
    expect(() => serialiserOf(outputJsonSchema(z.tuple([z.string()]).rest(z.object({ a: z.int() }))))).toThrow("rest");
  });
});

describe("a contract that cannot be served is refused at the start, by the names of its actions", () => {
  const output = z.object({});
  const input = z.strictObject({ id: z.string() });
  const service = (name: string, http: string, other?: { http: string }) => {
    const contract = defineContract(name, {
      queries: {
        one: query({ input, output, http: http as "GET /x", access: "public" }),
        ...(other && { two: query({ input, output, http: other.http as "GET /x", access: "public" }) }),
      },
    });
    return implement(contract as never, { queries: { one: () => ({}), ...(other && { two: () => ({}) }) } } as never);
  };

  test("two actions of one route, whatever they call its parameters", () => {
    expect(() => routeTable([service("a", "GET /x/:id", { http: "GET /x/:other" })])).toThrow(
      "a.two and a.one both answer GET /x/:other",
    );
    expect(() => routeTable([service("a", "GET /x"), service("b", "GET /x")])).toThrow(
      "b.one and a.one both answer GET /x",
    );
    expect(() => routeTable([service("a", "GET /health")])).toThrow("a.one and the gateway itself both answer");
    expect(routeTable([service("a", "GET /x/:id", { http: "POST /x/:id" })])).toHaveLength(2);
  });

  test.each([
    "GET x",
    "get /x",
    "GET /x y",
    "TRACE /x",
    "GET /x/*",
    "GET /x/:id?",
    "GET /x//y",
    "GET /x/(a)",
    "GET /x/:a/:a",
  ])("the route %j", (http) => {
    expect(() => routeTable([service("a", http)])).toThrow("a.one");
  });

  test("a path parameter that is no field, an object that a query string cannot carry, a GET that changes state", async () => {
    await expect(serve({ services: [service("a", "GET /x/:nope")], validateOutput: false })).rejects.toThrow(
      "a.one has :nope in its path",
    );
    const nested = defineContract("nested", {
      queries: {
        find: query({
          input: z.strictObject({ where: z.strictObject({ a: z.int() }) }),
          output,
          http: "GET /nested",
          access: "public",
        }),
      },
    });
    await expect(serve({ services: [implement(nested, { queries: { find: () => ({}) } })] })).rejects.toThrow(
      "nested.find takes an object as where",
    );
    const changing = defineContract("changing", {
      commands: { go: command({ input, output, http: "GET /go/:id", access: "public" }) },
    });
    expect(() => routeTable([implement(changing, { commands: { go: () => ({}) } })])).toThrow(
      "changing.go changes state",
    );
  });
});

test("routes are found in the order of the services, with the actions that they call", () => {
  const actions: AnyAction[] = routeTable([bankService]).map(({ action }) => action);
  expect(actions.map(({ id }) => id)).toEqual([
    "bank.pay",
    "bank.close",
    "bank.tree",
    "bank.money",
    "bank.valibot",
    "bank.arktype",
  ]);
});
