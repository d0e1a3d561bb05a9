import { expectTypeOf, test } from "vitest";
import { faultOf, type Fault, type Handler, type EventHandler, implement, on } from "../src/index.ts";
import { orders, stock } from "./sample.ts";

const place: Handler<typeof orders.place, { limit: number }> = async (ctx, input) => {
  expectTypeOf(input).toEqualTypeOf<{ sku: string; count: number }>();
  const left = await ctx.call(stock.left, { sku: input.sku });
  expectTypeOf(left).toEqualTypeOf<number>();
  if (left < ctx.uses.limit) throw ctx.faults.soldOut({ sku: input.sku, left });
  if (left < 0) throw ctx.faults.shut();
  ctx.emit(orders.placed, { id: "1", sku: input.sku });
  ctx.enqueue(orders.remind, { id: "1" });
  // @ts-expect-error a command is called from a job or a workflow: a transaction changes its own service only
  ctx.call(stock.take, { sku: input.sku });
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
  ctx.emit(orders.placed, data);
};

test("a service is checked against its contract", () => {
  implement(orders, { uses: { limit: 1 }, commands: { place }, queries: { find: () => ({ id: "1", sku: "a" }) }, jobs: { remind: () => {} } });
  // @ts-expect-error the handler of find is missing
  const missing = () => implement(orders, { uses: { limit: 1 }, commands: { place }, queries: {}, jobs: { remind: () => {} } });
  // @ts-expect-error place uses a limit that is not given
  const unused = () => implement(orders, { uses: {}, commands: { place }, queries: { find: () => ({ id: "1", sku: "a" }) }, jobs: { remind: () => {} } });
  implement(stock, { commands: { take: () => 1 }, queries: { left: () => 1 }, subscriptions: { reserve: on(orders.placed, reserve) } });
  const foreign = () =>
    // @ts-expect-error reserve emits events of stock, and orders may not
    implement(orders, { commands: { place: () => ({ id: "" }) }, queries: { find: () => ({ id: "1", sku: "a" }) }, jobs: { remind: () => {} }, subscriptions: { reserve: on(orders.placed, reserve) } });
  void [missing, unused, foreign];
});

test("the faults of an action are a closed union", () => {
  const found = faultOf(orders.place, orders.faults.soldOut({ sku: "a", left: 1 }));
  expectTypeOf(found).toEqualTypeOf<Fault<"orders.soldOut", { sku: string; left: number }> | Fault<"orders.shut", void> | undefined>();
});
