import { expectTypeOf, test } from "vitest";
import { faultOf } from "../src/app/index.ts";
import { type EventHandler, type Fault, type Handler, implement, on } from "../src/index.ts";
import { orders, projects, stock } from "./sample.ts";

const place: Handler<typeof orders.place, { limit: number }> = async (ctx, input) => {
  expectTypeOf(input).toEqualTypeOf<{ sku: string; count: number }>();
  const left = await ctx.call(stock.left, { sku: input.sku });
  expectTypeOf(left).toEqualTypeOf<number>();
  if (left < ctx.uses.limit) throw ctx.faults.soldOut({ sku: input.sku, left });
  if (left < 0) throw ctx.faults.shut();
  ctx.emit(orders.placed, { id: "1", sku: input.sku });
  ctx.enqueue(orders.remind, { id: "1" });
  return { id: "1" };
};

/** Never run: each line must not compile. */
const misused: Handler<typeof orders.place> = async (ctx, input) => {
  // @ts-expect-error a command is called from a job or a workflow: a transaction changes its own service only
  await ctx.call(stock.take, { sku: input.sku });
  // @ts-expect-error a call to an instanced contract names the instance: call(action, input, { key })
  await ctx.call(projects.title, {});
  await ctx.call(projects.title, {}, { key: "p-1" });
  // @ts-expect-error a fallback answers what the action answers
  await ctx.call(stock.left, { sku: input.sku }, { fallback: () => "many" });
  // @ts-expect-error another service's event
  ctx.emit(stock.taken, { sku: input.sku });
  // @ts-expect-error a fault that place does not declare
  ctx.faults.tooLate();
  // @ts-expect-error a misspelt field
  ctx.emit(orders.placed, { id: "1", skuu: input.sku });
  return { id: "1" };
};

const reserve: EventHandler<typeof orders.placed, typeof stock> = (ctx, data) => {
  expectTypeOf(data).toEqualTypeOf<{ id: string; sku: string }>();
  ctx.emit(stock.taken, { sku: data.sku });
  // @ts-expect-error an event of another service
  const foreign = () => ctx.emit(orders.placed, data);
  void foreign;
};

const queries = { find: () => ({ id: "1", sku: "a" }) };
const jobs = { remind: () => {} };

test("a service is checked against its contract", () => {
  implement(orders, { uses: { limit: 1 }, commands: { place }, queries, jobs });
  implement(stock, {
    commands: { take: () => 1 },
    queries: { left: () => 1 },
    subscriptions: { reserve: on(orders.placed, reserve) },
  });
  void misused;
});

test("what does not fit does not compile", () => {
  const uses = { limit: 1 };
  // @ts-expect-error the handler of find is missing
  const missing = () => implement(orders, { uses, commands: { place }, queries: {}, jobs });
  // @ts-expect-error place uses a limit that is not given
  const withoutUses = () => implement(orders, { uses: {}, commands: { place }, queries, jobs });
  const subscriptions = { reserve: on(orders.placed, reserve) };
  // @ts-expect-error reserve emits events of stock, and orders may not
  const foreign = () => implement(orders, { uses, commands: { place }, queries, jobs, subscriptions });
  void [missing, withoutUses, foreign];
});

test("the faults of an action are a closed union", () => {
  const found = faultOf(orders.place, orders.faults.soldOut({ sku: "a", left: 1 }));
  type Expected = Fault<"orders.soldOut", { sku: string; left: number }> | Fault<"orders.shut", void> | undefined;
  expectTypeOf(found).toEqualTypeOf<Expected>();
});
