import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { FAULT_STATUS, faultFromRecord, faultOf, faultRecord } from "../src/app/index.ts";
import { busFaults } from "../src/bus/index.ts";
import { Fault, fault, isFault, kernelFaults } from "../src/index.ts";
import { storeFaults } from "../src/store/index.ts";
import { orders } from "./sample.ts";

const catalogue = [...Object.values(kernelFaults), ...Object.values(storeFaults), ...Object.values(busFaults)];

test("codes are unique, mapped to HTTP, and each is in docs/FAULTS.md with its kind", () => {
  expect(new Set(catalogue.map(({ code }) => code)).size).toBe(catalogue.length);
  const page = readFileSync(new URL("../../docs/FAULTS.md", import.meta.url), "utf8");
  for (const { code, kind } of catalogue) {
    expect(page).toContain(`| \`${code}\` | ${kind} | ${FAULT_STATUS[kind]} |`);
  }
});

test("a fault carries code, kind, details and what a caller may conclude, and no stack", () => {
  const short = orders.faults.soldOut({ sku: "a", left: 1 }, { cause: new Error("why") });
  expect(short).toMatchObject({
    name: "Fault",
    code: "orders.soldOut",
    kind: "conflict",
    details: { sku: "a", left: 1 },
    retry: "no",
  });
  expect(short.message).toBe("sold out");
  expect(short.stack).not.toContain("at ");
  expect(orders.faults.shut()).toMatchObject({ kind: "unavailable", retry: "yes" });
});

test("a fault is told by its code, wherever it was raised", () => {
  const crossed = faultFromRecord(
    JSON.parse(JSON.stringify(faultRecord(orders.faults.soldOut({ sku: "a", left: 1 })))),
  );
  expect(orders.faults.soldOut.is(crossed)).toBe(true);
  expect(orders.faults.shut.is(crossed)).toBe(false);
  expect(faultOf(orders.place, crossed)?.code).toBe("orders.soldOut");
  expect(faultOf(orders.find, crossed)).toBeUndefined();
  expect(isFault(new Error("other"))).toBe(false);
  expect(crossed).toBeInstanceOf(Fault);
});

test("a declared message is made from the details", () => {
  const definition = fault("conflict", z.strictObject({ left: z.int() }), {
    message: ({ left }) => `only ${left} left`,
  });
  expect(definition.message?.({ left: 2 } as never)).toBe("only 2 left");
});
