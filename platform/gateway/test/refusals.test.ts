import { readFileSync } from "node:fs";
import { kernelFaults } from "@banyan/kernel";
import { expect, test } from "vitest";
import { refusalCatalogue } from "../src/answers/refusals.ts";

test("codes of the edge are unique, none is the kernel's, and each is in docs/FAULTS.md with its kind and status", () => {
  const codes = refusalCatalogue.map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  for (const { code } of Object.values(kernelFaults)) expect(codes).not.toContain(code);
  const page = readFileSync(new URL("../../../docs/FAULTS.md", import.meta.url), "utf8");
  for (const { code, kind, status } of refusalCatalogue)
    expect(page).toContain(`| \`${code}\` | ${kind} | ${status} |`);
  expect(page.match(/^\| `gateway\./gm)).toHaveLength(codes.length);
});
