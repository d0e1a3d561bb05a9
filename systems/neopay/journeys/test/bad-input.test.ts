import { isFault } from "@banyan/kernel";
import { type App, createApp, inputJsonSchema, systemIdentity } from "@banyan/kernel/app";
import { playMerchantDay } from "@banyan/neopay-demo";
import { createPostgresStore } from "@banyan/sql-postgres";
import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import project from "../../../../banyan.config.ts";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { nearly } from "./odd-inputs.ts";

let app: App;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  drop = database.drop;
  app = createApp({
    services: project.services,
    store: createPostgresStore({ url: database.url }),
    report: () => {},
  });
  await app.start();
  await playMerchantDay((action, input, { as = "system", ...options } = {}) =>
    app.call(action, input, { ...options, identity: { ...systemIdentity, subject: as } }),
  );
});
afterAll(async () => {
  await app.stop();
  await drop();
});

/** What the merchant's day left, and what others may already have. */
const known = {
  address: ["merchants:acme:settlement", "users:ann:wallet"],
  source: ["users:ann:wallet", "EUR"],
  destination: ["merchants:acme:settlement"],
  account: ["merchants:acme:settlement"],
  currency: ["EUR"],
  code: ["acme", "m1"],
  merchant: ["acme", "m1"],
  amountMinor: [1, 100],
  iban: ["DE89370400440532013000"],
};

/** All that somebody outside can reach. */
const actions = project.services
  .flatMap(({ contract }) => contract.actions)
  .filter(({ definition }) => definition.http !== undefined);
const drawsPerAction = 40;

test.each(actions.map((action) => [action.id, action] as const))(
  "%s answers whatever it is sent, or says what is wrong with it",
  async (_, action) => {
    await fc.assert(
      fc.asyncProperty(nearly(inputJsonSchema(action.definition.input), known), async (input) => {
        const fault = await app.call(action, input as never, { identity: systemIdentity }).then(
          () => null,
          (error: unknown) => (isFault(error) ? error.kind : error),
        );
        expect(fault).not.toBe("internal");
        expect(fault).not.toBeInstanceOf(Error);
      }),
      { numRuns: drawsPerAction },
    );
  },
);
