import { command, defineContract, implement, job } from "@banyan/kernel";
import { expect, test } from "vitest";
import { z } from "zod";
import { started } from "./started.ts";

const nothing = z.strictObject({});
const rounds = defineContract("rounds", {
  commands: { wake: command({ input: nothing, output: z.object({}), access: "public" }) },
  jobs: {
    look: job({ input: nothing, schedule: { everyMs: 200 } }),
    wakeOne: job({ input: nothing }),
    wakeAnother: job({ input: nothing }),
  },
});

test("a job with a schedule enqueues for other tenants, once at a time for each, and nothing else does", async () => {
  const woken = new Map<string, number>();
  let refused = "";
  const service = implement(rounds, {
    commands: {
      wake: (ctx) => {
        ctx.enqueue(rounds.wakeAnother, {}, { tenant: "acme" });
        return {};
      },
    },
    jobs: {
      look: (ctx) => {
        for (const tenant of ["acme", "acme", "zeta"]) {
          if (!woken.has(tenant)) ctx.enqueue(rounds.wakeOne, {}, { tenant, dedupeKey: "one" });
        }
      },
      wakeOne: (ctx) => {
        woken.set(ctx.identity.tenant, (woken.get(ctx.identity.tenant) ?? 0) + 1);
        ctx.enqueue(rounds.wakeAnother, {}, { tenant: ctx.identity.tenant });
      },
      wakeAnother: (ctx) => {
        const other = ctx.identity.tenant === "acme" ? "zeta" : "acme";
        try {
          ctx.enqueue(rounds.wakeOne, {}, { tenant: other });
        } catch (error) {
          refused = (error as Error).message;
        }
      },
    },
  });
  const app = await started(service);
  await expect
    .poll(() => [...woken].sort(), { timeout: 20_000 })
    .toEqual([
      ["acme", 1],
      ["zeta", 1],
    ]);
  await app.settled();
  expect([...woken].sort()).toEqual([
    ["acme", 1],
    ["zeta", 1],
  ]);
  expect(refused).toContain("for another tenant by a job with a schedule alone");
  await expect(app.call(rounds.wake, {})).rejects.toThrow();
});
