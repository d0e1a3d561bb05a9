import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { createApp } from "../src/app/index.ts";
import { canonicalJson, digest, uuidv7 } from "../src/call/ids.ts";
import { nearest } from "../src/call/nearest.ts";
import { Deadlines, Scope } from "../src/call/scope.ts";
import { defineContract, implement, type Service } from "../src/index.ts";
import { orders, stock } from "./sample.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a UUIDv7 has its version, its variant and the time it was made at", () => {
  const at = Date.now();
  const id = uuidv7(at);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(at);
});

test("UUIDs of one process sort in the order they were made, within a millisecond and when the clock goes back", () => {
  const ids = Array.from({ length: 20_000 }, (_, n) => uuidv7(4_000_000_000_000 + (n % 3 === 0 ? n : -n)));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test("canonical JSON does not depend on the order of keys, and is JSON of the same value", () => {
  const shuffled = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shuffled)
      : value !== null && typeof value === "object"
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, child]) => [key, shuffled(child)]),
          )
        : value;
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as unknown;
      expect(canonicalJson(shuffled(plain))).toBe(canonicalJson(plain));
      expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
    }),
  );
});

test("a digest tells where one part ends", () => {
  expect(digest(16, "ab", "c")).not.toEqual(digest(16, "a", "bc"));
  expect(digest(16, "ab", "c")).toHaveLength(16);
});

test("scopes end in the order of their deadlines, and one that is done is never told", () => {
  vi.useFakeTimers();
  const clock = { now: () => Date.now(), monotonic: () => Date.now() };
  const deadlines = new Deadlines(clock);
  const ended: string[] = [];
  const watch = (name: string, budgetMs: number) => {
    const scope = new Scope(clock, budgetMs, name);
    scope.onEnd = () => ended.push(name);
    deadlines.watch(scope);
    return scope;
  };
  watch("second", 200);
  const done = watch("done", 100);
  watch("first", 100);
  vi.advanceTimersByTime(50);
  watch("third", 200);
  deadlines.unwatch(done);
  deadlines.unwatch(done);
  vi.advanceTimersByTime(1_000);
  expect(ended).toEqual(["first", "second", "third"]);
});

test("the end of a scope reaches those below it, and aborts a signal that is asked for later", () => {
  const clock = { now: () => 0, monotonic: () => 0 };
  const above = new Scope(clock, 100, "above");
  const below = above.narrowed(50, "below");
  above.end(new Error("over"));
  expect(below.signal.aborted).toBe(true);
  expect(() => below.check()).toThrow("over");
  expect(above.narrowed(10, "late").ended).not.toBeNull();
});

test("a narrowed scope never has more time than the one above", () => {
  const clock = { now: () => 0, monotonic: () => 0 };
  expect(new Scope(clock, 100, "above").narrowed(500, "below").deadline).toBe(100);
});

test("names that a person may have meant are offered, nearest first, and others are not", () => {
  expect(nearest("ledger.pots", ["ledger.post", "ledger.open", "statements.import"])).toEqual(["ledger.post"]);
  expect(nearest("x", ["ledger.post"])).toEqual([]);
});

const empty = (name: string, after: readonly string[] = []): Service => ({
  ...implement(defineContract(name, {}), {}),
  after,
});

test("services start after those they name; circles, strangers and doubles are refused", () => {
  const order = createApp({ services: [empty("c", ["b"]), empty("a"), empty("b", ["a"])] }).services;
  expect(order.map(({ contract }) => contract.name)).toEqual(["a", "b", "c"]);
  expect(() => createApp({ services: [empty("a", ["b"]), empty("b", ["a"])] })).toThrow("a -> b -> a");
  expect(() => createApp({ services: [empty("a", ["z"])] })).toThrow(
    "a starts after z, which is not among the services",
  );
  expect(() => createApp({ services: [empty("a"), empty("a")] })).toThrow("two services are named a");
});

test("a service whose hook throws at the start stops those that had started, in reverse order", async () => {
  const seen: string[] = [];
  const hooked = (name: string, after: readonly string[], fails = false): Service => ({
    ...empty(name, after),
    start: async () => {
      seen.push(`start ${name}`);
      if (fails) throw new Error("no socket");
    },
    stop: async () => {
      seen.push(`stop ${name}`);
    },
  });
  const app = createApp({ services: [hooked("a", []), hooked("b", ["a"], true), hooked("c", ["b"])] });
  await expect(app.start()).rejects.toThrow("no socket");
  expect(seen).toEqual(["start a", "start b", "stop a"]);
  expect(app.state).toBe("stopped");
});

test("a contract with one name twice, and a service that misses a handler, are refused by name", () => {
  expect(() => defineContract("bad name", {})).toThrow('"bad name" is no service name');
  const input = orders.remind.definition.input;
  const act = { input, output: input, access: "public" };
  const twice = { commands: { act }, jobs: { act: { input } } };
  expect(() => defineContract("twice", twice)).toThrow("twice.act is declared twice");
  expect(() => implement(stock, { commands: {}, queries: {} } as never)).toThrow("stock.take has no handler");
  const extra = { commands: { take: () => 1, give: () => 1 }, queries: { left: () => 1 } };
  expect(() => implement(stock, extra as never)).toThrow("stock.give is handled among commands");
});

test("a service with commands needs a store, and says so when the application is created", () => {
  const service = implement(stock, { commands: { take: () => 1 }, queries: { left: () => 1 } });
  expect(() => createApp({ services: [service] })).toThrow("stock needs a database; pass a store to createApp");
});
