import { readFileSync } from "node:fs";
import { createApp } from "@banyan/kernel/app";
import type { RunHistory } from "@banyan/kernel/workflows";
import { ledgerService } from "@banyan/neopay-ledger";
import { merchantsService } from "@banyan/neopay-merchants";
import { createPostgresStore } from "@banyan/sql-postgres";
import { expect, test } from "vitest";
import { payments } from "../src/contract.ts";
import { createPaymentsService } from "../src/index.ts";

/** Runs of 22 November 2026, as `banyan workflows show ID --json` writes them, a line each: every way that one of them went then. */
const histories: readonly RunHistory[] = readFileSync(new URL("histories.ndjson", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));

/** It is never started: nothing is called and nothing is written. */
const app = createApp({
  services: [ledgerService, merchantsService, createPaymentsService({ acquirer: { url: "http://127.0.0.1:1" } })],
  store: createPostgresStore({ url: "postgres://127.0.0.1:1/none" }),
});

test.each(histories.map((history) => [nameOf(history), history] as const))(
  "%s goes on with the code of today; other code is told by its step",
  async (_, history) => {
    expect(await app.workflows.replay(history)).toBeUndefined();
    const [first, ...others] = history.steps;
    if (first === undefined) throw new Error("a history has steps");
    const earlier = { ...history, steps: [{ ...first, name: "formerly" }, ...others] };
    expect(await app.workflows.replay(earlier)).toMatchObject({ step: expect.any(String) });
  },
);

test("there is a history of each workflow", () => {
  const types = new Set(histories.map(({ type }) => type));
  expect([...types].sort()).toEqual(
    Object.values(payments.contract.workflows)
      .map(({ id }) => id)
      .sort(),
  );
});

function nameOf({ type, steps }: RunHistory): string {
  return `${type}: ${steps.map(({ name }) => name).join(", ")}`;
}
