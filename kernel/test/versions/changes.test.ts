import { command, defineContract, event, fault, job, query } from "@banyan/kernel";
import { contractChanges, snapshotOf } from "@banyan/kernel/versions";
import { expect, test } from "vitest";
import { z } from "zod";

const Placed = z.strictObject({ id: z.string(), status: z.enum(["new", "paid"]), note: z.string().optional() });
const place = command({
  input: z.strictObject({ id: z.string(), note: z.string().optional() }),
  output: z.object({ total: z.int() }),
  faults: ["busy"],
  http: "POST /orders/:id",
  access: "orders:write",
});
const find = query({
  input: z.strictObject({ id: z.string() }),
  output: z.object({ id: z.string() }),
  access: "public",
});
const placed = event({ data: Placed, key: ({ id }) => id });
const busy = fault("exhausted", z.object({ waitMs: z.int() }));
const bill = job({ input: z.strictObject({ id: z.string() }) });
const old = { faults: { busy }, commands: { place }, queries: { find }, events: { placed }, jobs: { bill } };

type Parts = Parameters<typeof defineContract>[1];

/** What becomes of everybody when the parts are replaced: "member field problem, for whom". */
function changes(parts: Partial<Parts>, before: Partial<Parts> = {}): string[] {
  const versions = [before, parts]
    .map((those) => ({ ...old, ...those }))
    .map((one) => snapshotOf([defineContract("orders", one as Parts).contract]));
  const [was, is] = JSON.parse(JSON.stringify(versions)) as typeof versions;
  return contractChanges(was as never, is as never).map(({ member, field, problem, breaks }) =>
    [[member, field, problem].filter(Boolean).join(" "), ...breaks].join(", "),
  );
}
const commands = (change: object) => changes({ commands: { place: { ...place, ...change } } } as never);
const events = (data: z.ZodType, key: (data: never) => string = ({ id }) => id) =>
  changes({ events: { placed: event({ data, key: key as never }) } } as never);

test("the same contracts differ in nothing, whatever summaries and functions say", () => {
  expect(changes({})).toEqual([]);
  expect(commands({ summary: "Places an order", deadlineMs: 10 })).toEqual([]);
  expect(events(Placed, (placed: { id: string }) => `${placed.id}`)).toEqual([]);
});

test("an input may take more and an output say more; the other way breaks callers", () => {
  const { input } = place;
  expect(
    commands({ input: input.extend({ tip: z.int().optional() }), output: z.object({ total: z.int(), tip: z.int() }) }),
  ).toEqual(["place input is another, and fits", "place output is another, and fits"]);
  expect(commands({ input: input.extend({ tip: z.int() }) })).toEqual([
    "place input.tip is required, was not there, callers",
  ]);
  expect(commands({ input: z.strictObject({ id: z.string().max(5) }) })).toEqual([
    "place input.id maxLength is 5, was not given, callers",
    "place input.note is not there any more, callers",
  ]);
  expect(commands({ output: z.object({ total: z.int().nullable() }) })).toEqual([
    "place output.total is null, was integer, callers",
  ]);
});

test("who may call, where, and what a success is called are promises too", () => {
  expect(commands({ http: "POST /orders/:order" })).toEqual([]);
  expect(commands({ http: "PUT /orders/:id" })).toEqual([
    "place http is PUT /orders/:id, was POST /orders/:id, callers",
  ]);
  const pair = { input: z.strictObject({ id: z.string(), shop: z.string() }) };
  const [swapped, was] = ["POST /shops/:id/:shop", "POST /shops/:shop/:id"].map((http) => ({
    commands: { place: { ...place, ...pair, http } },
  }));
  expect(changes(swapped as never, was as never)).toEqual([
    "place http is POST /shops/:id/:shop, was POST /shops/:shop/:id, callers",
  ]);
  expect(commands({ http: undefined })).toEqual(["place http is none, was POST /orders/:id, callers"]);
  expect(commands({ httpStatus: 201 })).toEqual(["place httpStatus is 201, was 200, callers"]);
  expect(commands({ httpHeaders: { id: "x-id" } })).toEqual(["place httpHeaders are others, callers"]);
  expect(commands({ httpAnswer: { field: "total", contentType: "text/csv" } })).toEqual([
    "place httpAnswer is text/csv, was JSON, callers",
  ]);
  expect(commands({ access: "orders:admin" })).toEqual(["place access is orders:admin, was orders:write, callers"]);
  expect(commands({ access: "public" })).toEqual(["place access is public, was orders:write"]);
});

test("members that are gone break those who use them; new ones nobody", () => {
  expect(changes({ commands: {} })).toEqual(["place is not there any more, callers"]);
  expect(changes({ queries: {} })).toEqual(["find is not there any more, callers"]);
  expect(changes({ events: {} })).toEqual(["placed is not there any more, consumers"]);
  expect(changes({ jobs: {} })).toEqual(["bill is not there any more, queued jobs"]);
  expect(changes({ commands: { place, cancel: place } })).toEqual(["cancel is new"]);
  expect(changes({ commands: { place, find }, queries: {} } as never)).toEqual([
    "find is a command, was a query, callers",
  ]);
  expect(changes({ instanced: true } as never)).toEqual(["each call must name an instance, callers"]);
  const [none, some] = [snapshotOf([]), snapshotOf([defineContract("orders", old).contract])];
  expect(contractChanges(some, none)).toMatchObject([{ contract: "orders", breaks: ["callers", "consumers"] }]);
  expect(contractChanges(none, some)).toMatchObject([{ contract: "orders", problem: "is new", breaks: [] }]);
});

test("a fault more is to be expected; one that changed its kind, or is less sure that nothing happened, is not", () => {
  const faults = (next: unknown) => changes({ faults: { busy: next } } as never);
  const details = z.object({ waitMs: z.int() });
  expect(commands({ faults: [] })).toEqual(["place faults busy is not there any more"]);
  expect(
    changes({
      faults: { busy, gone: fault("not_found") },
      commands: { place: { ...place, faults: ["busy", "gone"] } },
    } as never),
  ).toEqual(["place faults gone is new", "gone is new"]);
  expect(faults(fault("conflict", details))).toEqual([
    "busy kind is conflict, was exhausted, callers",
    "busy retry is no, was yes",
  ]);
  expect(faults(fault("exhausted", details, { retry: "unknown" }))).toEqual([
    "busy retry is unknown, was yes, callers",
  ]);
  expect(faults(fault("exhausted"))).toEqual(["busy details is not there any more, callers"]);
  expect(faults(fault("exhausted", details.extend({ queue: z.string() })))).toEqual([
    "busy details is another, and fits",
  ]);
});

test("an event may gain what older ones need not have; all else breaks who is sent it, or what is stored", () => {
  expect(events(Placed.extend({ tip: z.int().optional(), shop: z.string().default("main") }))).toEqual([
    "placed data is another, and fits",
  ]);
  expect(events(Placed.extend({ tip: z.int() }))).toEqual([
    "placed data.tip is required, was not there, stored events",
  ]);
  expect(events(Placed.omit({ id: true }), () => "all")).toEqual([
    "placed data.id is not there any more, consumers",
    "placed key is all, was {id}, consumers",
  ]);
  expect(events(Placed.omit({ note: true }))).toEqual(["placed data is another, and fits"]);
  expect(events(Placed.extend({ id: z.int() }))).toEqual([
    "placed data.id is integer, was string, consumers, stored events",
  ]);
  expect(events(Placed.extend({ status: z.enum(["new", "paid", "sent"]) }))).toEqual([
    'placed data.status may be "sent", consumers',
  ]);
  expect(events(Placed.extend({ status: z.enum(["new"]) }))).toEqual([
    'placed data.status "paid" is not taken any more, stored events',
  ]);
});

test("what waits in a queue is read by the new version", () => {
  const jobs = (input: z.ZodType) => changes({ jobs: { bill: job({ input }) } });
  expect(jobs(z.strictObject({ id: z.string(), tries: z.int().default(0) }))).toEqual([
    "bill input is another, and fits",
  ]);
  expect(jobs(z.strictObject({ id: z.string(), tries: z.int() }))).toEqual([
    "bill input.tries is required, was not there, queued jobs",
  ]);
});

test("a key is told by what it is made of; one that needs real data is not compared", () => {
  const keyOf = (key: (data: never) => string) =>
    snapshotOf([defineContract("a", { events: { b: { data: Placed, key } } }).contract]).services.a?.events.b?.key;
  expect(keyOf((data: { order: { id: string }; tenant: string }) => `${data.tenant}/${data.order.id}`)).toBe(
    "{tenant}/{order.id}",
  );
  expect(keyOf(({ lines }: { lines: { account: string }[] }) => lines[0]?.account ?? "")).toBe("{lines.0.account}");
  expect(keyOf(({ name }: { name: string }) => name.slice(0, 1).toLowerCase())).toBe("{name.slice().toLowerCase()}");
  expect(keyOf(({ lines }: { lines: string[] }) => [...lines].join())).toBeNull();
  expect(
    keyOf((data: { parent?: never; id: string }) => {
      let at: { parent?: typeof at; id: string } = data;
      while (at.parent) at = at.parent;
      return at.id;
    }),
  ).toBeNull();
});
