import { command, defineContract, implement, job } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { expect, inject, onTestFinished, test } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { createPostgresStore } from "../../src/index.ts";

const mill = defineContract("mill", {
  commands: { fill: command({ input: z.strictObject({}), output: z.object({}), access: "public" }) },
  jobs: { grind: job({ input: z.strictObject({}), rateLimit: { runs: 1, perMs: 100 } }) },
});

test("an application has not settled while a limit of rate holds jobs back", async () => {
  let runs = 0;
  const service = implement(mill, {
    commands: {
      fill: (ctx) => {
        for (let count = 0; count < 4; count++) ctx.enqueue(mill.grind, {});
        return {};
      },
    },
    jobs: { grind: () => void runs++ },
  });
  const database = await createTestDatabase(inject("postgresUrl"));
  const app = createApp({ services: [service], store: createPostgresStore({ url: database.url }) });
  onTestFinished(async () => {
    await app.stop();
    await database.drop();
  });
  await app.start();
  await app.call(mill.fill, {});
  await app.settled();
  expect(runs).toBe(4);
});
