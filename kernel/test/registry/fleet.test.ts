import { describe, expect, test } from "vitest";
import { forgetAfterMs } from "../../src/registry/timing.ts";
import { Fleet } from "./fleet.ts";

const shape = { providersEach: 5, callsEach: 2 };
const seeds = [1, 2, 3];

function started(nodes: number, seed: number): Fleet {
  const fleet = new Fleet({ ...shape, nodes, seed });
  fleet.run(1_000);
  return fleet;
}

describe.each(seeds)("a fleet of 1,000 nodes, seed %i", (seed) => {
  test("everybody finds whom they call, survives churn, and finds each other after a partition", () => {
    const fleet = started(1_000, seed);
    const startMs = fleet.convergenceMs(60_000);
    const quiet = fleet.costOf(() => fleet.run(5_000));
    const before = calls(fleet);
    const churning = fleet.costOf(() => {
      for (let second = 0; second < 8; second++) {
        for (let count = 0; count < 5; count++) {
          const node = fleet.pick();
          if (count === 0) fleet.kill(node);
          else fleet.leave(node);
          fleet.start(Number(node.service.slice(1)));
        }
        fleet.run(1_000);
      }
    });
    const after = calls(fleet);
    const wrong = (after.wrong - before.wrong) / (after.right + after.wrong - before.right - before.wrong);
    const churnMs = fleet.convergenceMs(2 * forgetAfterMs);
    for (const node of fleet.nodes.values()) node.side = fleet.random() < 0.5 ? 1 : 2;
    const cutMs = fleet.convergenceMs(60_000);
    fleet.run(10_000);
    for (const node of fleet.nodes.values()) node.side = 0;
    const healMs = fleet.convergenceMs(60_000);
    console.log(
      `seed ${seed}: all found after ${startMs} ms; messages per node and second ${quiet.toFixed(1)}, with churn ${churning.toFixed(1)};` +
        ` after churn ${churnMs} ms, calls to the dead ${(100 * wrong).toFixed(2)} %; parted after ${cutMs} ms, healed after ${healMs} ms`,
    );
    expect(startMs).toBeLessThan(10_000);
    expect(cutMs).toBeLessThan(30_000);
    expect(healMs).toBeLessThan(12_000);
    expect(wrong).toBeLessThan(0.01);
  }, 60_000);
});

function calls(fleet: Fleet): { right: number; wrong: number } {
  const sum = { right: 0, wrong: 0 };
  for (const node of fleet.nodes.values()) {
    sum.right += node.calls.right;
    sum.wrong += node.calls.wrong;
  }
  return sum;
}

test("what a node sends and hears does not depend on how many there are", () => {
  const costs = [100, 1_000].map((nodes) => {
    const fleet = started(nodes, 7);
    fleet.run(5_000);
    return fleet.costOf(() => fleet.run(10_000));
  });
  console.log(`messages per node and second: ${costs.map((cost) => cost.toFixed(1)).join(" at 100 nodes, ")} at 1,000`);
  const [few = 0, many = 0] = costs;
  expect(many / few).toBeGreaterThan(0.9);
  expect(many / few).toBeLessThan(1.1);
});

test("a node that stops answering is avoided within a second by all who use it", () => {
  for (const seed of seeds) {
    const fleet = new Fleet({ ...shape, nodes: 100, seed, lossShare: 0 });
    fleet.run(10_000);
    const paused = fleet.pick();
    const callers = [...fleet.nodes.values()].filter(
      ({ heardAt }) => fleet.schedule.now - (heardAt.get(paused.id) ?? -1_000) < 250,
    );
    paused.isPaused = true;
    fleet.run(1_000);
    expect(callers.length).toBeGreaterThan(5);
    for (const { registry } of callers) {
      expect(registry.views.get(paused.service)?.available.map(({ ref }) => ref.id)).not.toContain(paused.id);
    }
    paused.isPaused = false;
    expect(fleet.convergenceMs(2_000)).toBeLessThan(2_000);
  }
});

test("a node that comes and goes is chosen for a small part of its time, and never storms", () => {
  const fleet = new Fleet({ ...shape, nodes: 100, seed: 4, lossShare: 0 });
  fleet.run(10_000);
  const flapping = fleet.pick();
  const caller = [...fleet.nodes.values()].find(({ called }) => called.includes(flapping.service));
  let chosen = 0;
  const cost = fleet.costOf(() => {
    for (let turn = 0; turn < 30; turn++) {
      flapping.isPaused = true;
      fleet.run(2_000);
      flapping.isPaused = false;
      for (let step = 0; step < 20; step++) {
        fleet.run(100);
        const available = caller?.registry.views.get(flapping.service)?.available ?? [];
        if (available.some(({ ref }) => ref.id === flapping.id)) chosen++;
      }
    }
  });
  expect(chosen / 600).toBeLessThan(0.2);
  expect(caller?.count.entered.up).toBeLessThan(30 + 10);
  expect(cost).toBeLessThan(fleet.costOf(() => fleet.run(20_000)) * 1.2);
});
