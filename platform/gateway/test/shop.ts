import { defineContract, fault, implement, query } from "@banyan/kernel";
import { z } from "zod";

const User = z.object({ id: z.string(), name: z.string(), age: z.int(), tags: z.array(z.string()) });

interface Lines {
  readonly pieces: number;
  /** The last three. */
  readonly lines: readonly string[];
  readonly longest: number;
}

/** A contract with one of everything that the edge has to carry. No store: its writes are queries. */
export const shop = defineContract("shop", {
  faults: {
    soldOut: fault("conflict", z.object({ sku: z.string(), left: z.int() })),
    shut: fault("unavailable"),
  },
  queries: {
    user: query({
      summary: "One user.",
      input: z.strictObject({ id: z.string().max(200) }),
      output: User,
      http: "GET /users/:id",
      access: "public",
    }),
    search: query({
      input: z.strictObject({
        text: z.string().optional(),
        limit: z.int().min(1).max(100).default(10),
        ratio: z.number().optional(),
        isOpen: z.boolean().optional(),
        tag: z.array(z.string()).max(10).optional(),
        size: z.array(z.int()).optional(),
      }),
      output: z.object({ seen: z.record(z.string(), z.unknown()) }),
      http: "GET /search",
      access: "public",
    }),
    create: query({
      input: z.strictObject({ name: z.string().min(1).max(50), age: z.int(), tags: z.array(z.string()).max(10) }),
      output: User,
      http: "POST /users",
      httpStatus: 201,
      access: "public",
    }),
    rename: query({
      input: z.strictObject({ id: z.string(), name: z.string(), nested: z.unknown().optional() }),
      output: z.object({ id: z.string(), name: z.string() }),
      http: "PUT /users/:id",
      access: "public",
    }),
    touch: query({
      input: z.strictObject({ id: z.string() }),
      output: z.null(),
      http: "POST /users/:id/touch",
      httpStatus: 204,
      access: "public",
    }),
    buy: query({
      input: z.strictObject({ sku: z.string() }),
      output: z.object({ ok: z.boolean() }),
      faults: ["soldOut", "shut"],
      http: "POST /buy/:sku",
      access: "shop:buy",
    }),
    leak: query({ input: z.strictObject({}), output: User, http: "GET /leak", access: "public" }),
    broken: query({ input: z.strictObject({}), output: User, http: "GET /broken", access: "public" }),
    missing: query({ input: z.strictObject({}), output: User, http: "GET /missing", access: "public" }),
    slow: query({
      input: z.strictObject({ ms: z.int().max(5_000) }),
      output: z.object({ aborted: z.boolean() }),
      http: "GET /slow",
      access: "public",
      deadlineMs: 400,
    }),
    big: query({
      input: z.strictObject({ bytes: z.int() }),
      output: z.object({ text: z.string() }),
      http: "GET /big",
      access: "public",
    }),
    upload: query({
      input: z.strictObject({ content: z.string(), note: z.string().optional() }),
      output: z.object({ length: z.int(), note: z.string().optional() }),
      http: "POST /upload",
      httpText: { field: "content", contentTypes: ["application/xml", "text/csv"], bytesMax: 2_000 },
      access: "public",
    }),
    lines: query({
      input: z.strictObject({ content: z.string(), tag: z.string().optional() }),
      output: z.object({ pieces: z.int(), lines: z.array(z.string()), longest: z.int() }),
      faults: ["soldOut", "shut"],
      http: "POST /lines",
      httpText: {
        field: "content",
        contentTypes: ["application/x-ndjson"],
        bytesMax: 100,
        inPieces: (sum: Lines, next: Lines) => ({
          pieces: sum.pieces + next.pieces,
          lines: [...sum.lines, ...next.lines].slice(-3),
          longest: Math.max(sum.longest, next.longest),
        }),
      },
      access: "public",
    }),
    notice: query({
      input: z.strictObject({ content: z.string(), signature: z.string().optional() }),
      output: z.object({ content: z.string(), signature: z.string().optional() }),
      http: "POST /notice",
      httpText: { field: "content", contentTypes: ["application/json"], bytesMax: 2_000 },
      httpHeaders: { signature: "X-Signature" },
      access: "public",
    }),
    receipt: query({
      input: z.strictObject({ id: z.string() }),
      output: z.object({ xml: z.string(), inside: z.string() }),
      http: "GET /receipt/:id",
      httpAnswer: { field: "xml", contentType: "application/xml; charset=utf-8" },
      access: "public",
    }),
    admin: query({
      input: z.strictObject({}),
      output: z.object({ secret: z.string() }),
      http: "GET /admin",
      access: "shop:admin",
    }),
    whoami: query({
      input: z.strictObject({}),
      output: z.object({ subject: z.string(), tenant: z.string(), traceId: z.string() }),
      http: "GET /whoami",
      access: "public",
    }),
  },
});

/** Calls of `slow` that have begun. */
export const begun: string[] = [];
/** Calls of `slow` that saw their caller leave. */
export const abandoned: string[] = [];

/** How often `lines` is still to say that it is shut. */
export const shut = { times: 0 };

export const shopService = implement(shop, {
  queries: {
    user: (_ctx, { id }) => ({ id, name: "Ada Lovelace", age: 36, tags: ["maths"] }),
    search: (_ctx, input) => ({ seen: input }),
    create: (_ctx, input) => ({ id: "1", ...input }),
    rename: (_ctx, { id, name }) => ({ id, name }),
    touch: () => null,
    buy: (ctx, { sku }) => {
      if (sku === "shut") throw ctx.faults.shut(undefined, { retryAfterMs: 2_500 });
      if (sku === "gone") throw ctx.faults.soldOut(Object.assign({ sku, left: 0 }, { warehouse: "a secret" }));
      if (sku === "odd") throw ctx.faults.soldOut({ sku } as never);
      return { ok: true };
    },
    lines: (ctx, { content }) => {
      if (content.includes("sold out")) throw ctx.faults.soldOut({ sku: "tea", left: 0 });
      if (content.includes("shut") && shut.times-- > 0) throw ctx.faults.shut(undefined, { retryAfterMs: 1 });
      const lines = content.split("\n").filter((line) => line !== "");
      return { pieces: 1, lines: lines.slice(-3), longest: Math.max(0, ...lines.map(({ length }) => length)) };
    },
    notice: (_ctx, input) => input,
    receipt: (_ctx, { id }) => ({ xml: `<receipt>${id} é</receipt>`, inside: "not told" }),
    leak: () => Object.assign({ id: "1", name: "a", age: 1, tags: [] }, { passwordHash: "do not tell" }),
    broken: () => {
      throw new Error("password=hunter2 at 10.0.0.7");
    },
    missing: () => ({ id: "1" }) as never,
    slow: (ctx, { ms }) =>
      new Promise((resolve) => {
        begun.push(ctx.traceId);
        const timer = setTimeout(() => resolve({ aborted: false }), ms);
        ctx.signal.addEventListener("abort", () => {
          clearTimeout(timer);
          abandoned.push(ctx.traceId);
          resolve({ aborted: true });
        });
      }),
    big: (_ctx, { bytes }) => ({ text: "x".repeat(bytes) }),
    upload: (_ctx, { content, note }) => ({ length: content.length, ...(note !== undefined && { note }) }),
    admin: () => ({ secret: "only for those who may" }),
    whoami: (ctx) => ({ subject: ctx.identity.subject, tenant: ctx.identity.tenant, traceId: ctx.traceId }),
  },
});
