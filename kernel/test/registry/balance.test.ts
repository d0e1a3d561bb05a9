import { expect, test } from "vitest";
import type { Balance } from "../../src/contract/remote-policy.ts";
import { chooser } from "../../src/registry/balance.ts";
import { RemoteNode } from "../../src/registry/remote-node.ts";
import { seeded } from "./seeded.ts";

function nodes(count: number) {
  return Array.from({ length: count }, (_, n) => ({ node: new RemoteNode({ id: `n${n}`, address: "" }, 0) }));
}

const on = (balance: Balance) => chooser(balance, { random: seeded(1), host: "here" });

/** How often each of the nodes is chosen. */
function shares(balance: Balance, candidates: ReturnType<typeof nodes>, keys = 3_000) {
  const choose = on(balance);
  const counts = candidates.map(() => 0);
  for (let key = 0; key < keys; key++) {
    const index = candidates.indexOf(choose(candidates, balance === "hash" ? `key ${key}` : undefined));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

test.each<Balance>(["two-choices", "round-robin", "random", "latency", "cpu", "hash", "prefer-local"])(
  "%s gives equal nodes about equal shares",
  (balance) => {
    for (const count of shares(balance, nodes(3))) {
      expect(count).toBeGreaterThan(900);
      expect(count).toBeLessThan(1_100);
    }
    expect(shares(balance, nodes(1))).toEqual([3_000]);
  },
);

test("two-choices never takes the busiest, latency never the slowest, cpu never the most loaded", () => {
  const busy = nodes(3);
  busy[0]!.node.inFlight = 5;
  expect(shares("two-choices", busy)[0]).toBe(0);
  const slow = nodes(3);
  for (const [index, { node }] of slow.entries()) node.took(index === 0 ? 50 : 1);
  expect(shares("latency", slow)[0]).toBe(0);
  const loaded = nodes(3);
  loaded[0]!.node.load = 200;
  expect(shares("cpu", loaded)[0]).toBe(0);
});

test("round-robin takes each in its turn", () => {
  const candidates = nodes(3);
  const choose = on("round-robin");
  const taken = Array.from({ length: 6 }, () => candidates.indexOf(choose(candidates, undefined)));
  expect(taken).toEqual([0, 1, 2, 0, 1, 2]);
});

test("prefer-local leaves the machine only where nobody on it offers the service", () => {
  const candidates = nodes(4);
  for (const { node } of candidates.slice(0, 2)) node.host = "here";
  const [one = 0, two = 0, ...others] = shares("prefer-local", candidates);
  expect([one + two, others]).toEqual([3_000, [0, 0]]);
  expect(shares("prefer-local", candidates.slice(2)).every((count) => count > 1_000)).toBe(true);
});

test("hash keeps a key at its node, moves only the keys of a node that goes, and spares one over its share", () => {
  const candidates = nodes(10);
  const choose = on("hash");
  const keys = Array.from({ length: 1_000 }, (_, n) => `account ${n}`);
  const before = keys.map((key) => choose(candidates, key));
  expect(keys.map((key) => choose(candidates, key))).toEqual(before);
  const without = candidates.slice(0, 9);
  const moved = keys.filter((key, index) => choose(without, key) !== before[index]);
  expect(moved.length).toBe(before.filter((chosen) => chosen === candidates[9]).length);
  const hot = choose(candidates, "hot");
  for (let call = 0; call < 100; call++) choose(candidates, "hot").node.inFlight++;
  expect(hot.node.inFlight).toBeLessThan(20);
});
