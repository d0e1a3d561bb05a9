import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { createApp } from "../src/app/index.ts";
import { contractProblems } from "../src/contract/check.ts";
import { inputJsonSchema, outputJsonSchema, type Schema } from "../src/contract/schema.ts";
import { dataOf } from "../src/delivery/event-data.ts";
import { defineContract, event, implement, query } from "../src/index.ts";

const libraries = {
  Zod: {
    input: z.strictObject({ name: z.string().min(1), age: z.int().default(1) }),
    output: z.object({ greeting: z.string() }),
    open: z.object({ name: z.string() }),
  },
  Valibot: {
    input: toStandardJsonSchema(
      v.strictObject({ name: v.pipe(v.string(), v.minLength(1)), age: v.optional(v.pipe(v.number(), v.integer()), 1) }),
    ),
    output: toStandardJsonSchema(v.object({ greeting: v.string() })),
    open: toStandardJsonSchema(v.object({ name: v.string() })),
  },
  ArkType: {
    input: type({ name: "string >= 1", age: "number.integer = 1", "+": "reject" }),
    output: type({ greeting: "string", "+": "delete" }),
    open: type({ name: "string" }),
  },
};

for (const [library, { input, output, open }] of Object.entries(libraries)) {
  const greeter = defineContract("greeter", { queries: { greet: query({ input, output, access: "public" }) } });

  test(`${library}: validates, fills in defaults and refuses unknown fields`, async () => {
    const seen: unknown[] = [];
    const service = implement(greeter, {
      queries: {
        greet: (_ctx, received) => {
          seen.push(received);
          return { greeting: `hello ${(received as { name: string }).name}`, secret: 1 };
        },
      },
    });
    const app = createApp({ services: [service] });
    await app.start();
    expect(await app.call(greeter.greet, { name: "ada" })).toEqual({ greeting: "hello ada" });
    expect(seen).toEqual([{ name: "ada", age: 1 }]);
    await expect(app.call(greeter.greet, { name: "" })).rejects.toMatchObject({
      details: { issues: [{ path: "name" }] },
    });
    await expect(app.call(greeter.greet, {} as { name: string })).rejects.toMatchObject({
      details: { issues: [{ path: "name", message: "is missing" }] },
    });
    const foreign = JSON.parse('{"name":"ada","__proto__":{"admin":true}}') as { name: string };
    for (const wrong of [{ name: "ada", admin: true }, foreign]) {
      await expect(app.call(greeter.greet, wrong)).rejects.toMatchObject({ code: "kernel.invalidInput" });
    }
  });

  test(`${library}: schemas convert both ways`, () => {
    expect(inputJsonSchema(input)).toMatchObject({ type: "object", additionalProperties: false, required: ["name"] });
    expect(outputJsonSchema(output)).toMatchObject({ type: "object", properties: { greeting: { type: "string" } } });
    expect(contractProblems(greeter)).toEqual([]);
  });

  test(`${library}: an input that lets unknown fields through is refused when the application is created`, () => {
    const lax = defineContract("lax", { queries: { ask: query({ input: open, output, access: "public" }) } });
    const service = implement(lax, { queries: { ask: () => ({ greeting: "" }) } });
    expect(() => createApp({ services: [service] })).toThrow("lax.ask: input lets unknown fields through");
  });
}

test("only a field that is not there is missing, however deep; a rule that wants one keeps its own words", async () => {
  const line = z.strictObject({ sku: z.enum(["ink", "pen"]), count: z.int() });
  const input = z
    .strictObject({ lines: z.array(line), from: z.string().optional(), to: z.string().optional() })
    .refine(({ from, to }) => (from === undefined) === (to === undefined), { path: ["to"], error: "goes with from" });
  const desk = defineContract("desk", { queries: { ask: query({ input, output: z.object({}), access: "public" }) } });
  const app = createApp({ services: [implement(desk, { queries: { ask: () => ({}) } })] });
  await app.start();
  const refused = async (value: unknown) =>
    (await app.call(desk.ask, value as { lines: [] }).catch(({ details }) => details)).issues;
  expect(await refused({ lines: [{ sku: "ink", count: 1 }, {}] })).toEqual([
    { path: "lines.1.sku", message: "is missing" },
    { path: "lines.1.count", message: "is missing" },
  ]);
  expect(await refused({ lines: [], from: "1" })).toEqual([{ path: "to", message: "goes with from" }]);
  expect(await refused({ lines: null })).toEqual([
    { path: "lines", message: "Invalid input: expected array, received null" },
  ]);
});

test("a route must name fields of its input, and an output must not transform", () => {
  const input = z.strictObject({ id: z.string() });
  const wrong = defineContract("wrong", {
    queries: {
      lost: query({ input, output: z.object({}), access: "public", http: "GET /things/:thing" }),
      dated: query({ input, output: z.object({ at: z.date() }), access: "public" }),
      signed: query({ input, output: z.object({}), access: "public", httpHeaders: { mark: "x-mark" } }),
      printed: query({
        input,
        output: z.object({}),
        access: "public",
        httpAnswer: { field: "page", contentType: "text/html" },
      }),
      open: query({ input, output: z.object({}), access: undefined as never }),
    },
  });
  expect(contractProblems(wrong)).toEqual([
    "wrong.lost: its route names thing, which its input does not have",
    expect.stringContaining("wrong.dated: its output has no JSON Schema"),
    "wrong.signed: its route names mark, which its input does not have",
    "wrong.printed: its answer is page, which its output does not have",
    expect.stringContaining("wrong.open: it does not say who may call it"),
  ]);
});

test("an event's data is validated again unless the very same schema did it in this process, and hands on what it takes", () => {
  let validated = 0;
  const amount = z.int().refine(() => ++validated > 0);
  const emitted = (data: Schema, fields: object) => {
    const { said } = defineContract("shop", { events: { said: event({ data, key: () => "" }) } });
    const stored = { id: "1", type: said.id, tenant: "", key: "", version: 1, at: 0, traceId: "", metadata: {} };
    return dataOf(said, { ...stored, data: '{"amount":1}', ...fields });
  };
  const closed = z.strictObject({ amount });
  expect(emitted(closed, { validatedBy: closed })).toEqual({ amount: 1 });
  expect(validated).toBe(0);
  expect(emitted(closed, {})).toEqual({ amount: 1 });
  expect(emitted(closed, { validatedBy: z.strictObject({ amount: z.int() }) })).toEqual({ amount: 1 });
  expect(validated).toBe(2);
  const filled = z.strictObject({ amount, unit: z.string().default("CZK") });
  expect(emitted(filled, { validatedBy: filled })).toEqual({ amount: 1, unit: "CZK" });
});
