import { expect, test } from "vitest";
import { furthestStep } from "../src/insights/furthest-step.ts";

const course = (...did: [name: string, at: number][]) => ({
  names: did.map(([name]) => name),
  at: did.map(([, at]) => at),
});
const steps = ["see", "fill", "pay"];

test("steps count in their order, whatever lies between them", () => {
  expect(furthestStep(steps, course(["see", 0], ["fill", 1], ["see", 2], ["pay", 3]), 10)).toBe(3);
  expect(furthestStep(steps, course(["see", 0], ["pay", 1], ["fill", 2]), 10)).toBe(2);
  expect(furthestStep(steps, course(["fill", 0], ["pay", 1]), 10)).toBe(0);
});

test("the time runs from the first step to the last, and begins anew with each first step", () => {
  expect(furthestStep(steps, course(["see", 0], ["fill", 10], ["pay", 11]), 10)).toBe(2);
  expect(furthestStep(steps, course(["see", 0], ["see", 5], ["fill", 10], ["pay", 15]), 10)).toBe(3);
});

test("one event is one step, also where two steps have its name", () => {
  expect(furthestStep(["see", "see"], course(["see", 0]), 10)).toBe(1);
  expect(furthestStep(["see", "see"], course(["see", 0], ["see", 1]), 10)).toBe(2);
});
