import { defineContract, implement } from "@banyan/kernel";
import { expect, test } from "vitest";
import { placementsOf } from "../src/topology/placement.ts";

const services = ["ledger", "statements", "reconciliation"].map((name) => implement(defineContract(name, {}), {}));
const place = (processes: Parameters<typeof placementsOf>[0]["processes"]) => placementsOf({ services, processes });

test("a service that no process names has one of its own, and the gateway is in edge", () => {
  expect(place({ books: { services: ["statements", "reconciliation"], count: 2 } })).toEqual([
    { process: "books", services: ["statements", "reconciliation"], count: 2 },
    { process: "ledger", services: ["ledger"], count: 1 },
    { process: "edge", services: [], count: 1 },
  ]);
});

test("the number of edges can be said", () => {
  expect(place({ edge: { services: [], count: 3 } })).toContainEqual({ process: "edge", services: [], count: 3 });
});

test.for([
  ["a service that is not there", { books: { services: ["ledgr"], count: 1 } }, /names the service ledgr/],
  [
    "a service in two processes",
    { a: { services: ["ledger"], count: 1 }, b: { services: ["ledger"], count: 1 } },
    /ledger is in the processes a and b/,
  ],
  ["services beside the gateway", { edge: { services: ["ledger"], count: 1 } }, /edge has the gateway/],
  ["a process named as another one's service", { ledger: { services: ["statements"], count: 1 } }, /does not have/],
] as const)("%s is refused", ([, processes, message]) => {
  expect(() => place(processes as never)).toThrow(message);
});
