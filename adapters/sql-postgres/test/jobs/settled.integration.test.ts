import { command, defineContract, implement, job } from "@banyan/kernel";
import { expect, test } from "vitest";
import { z } from "zod";
import { started } from "./started.ts";

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
  const app = await started(service);
  await app.call(mill.fill, {});
  await app.settled();
  expect(runs).toBe(4);
});
