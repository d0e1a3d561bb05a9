import { randomUUID } from "node:crypto";
import { command, defineContract, implement, job } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import type { Ticket, TicketQueue } from "@banyan/kernel/jobs";
import { createBullTickets } from "@banyan/queue-bullmq";
import { createPostgresStore } from "@banyan/sql-postgres";
import { expect, inject, onTestFinished, test } from "vitest";
import { z } from "zod";
import { removeKeys } from "../../../tools/remove-keys.ts";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { describeWithServer } from "../../../tools/test-server.ts";

const Numbered = z.strictObject({ number: z.int() });
const batch = defineContract("batch", {
  commands: {
    fill: command({ input: z.strictObject({ count: z.int() }), output: z.object({}), access: "batch:write" }),
  },
  jobs: {
    quick: job({ input: Numbered }),
    single: job({ input: Numbered, concurrency: 1 }),
    rated: job({ input: Numbered, rateLimit: { runs: 1_000, perMs: 1_000 } }),
  },
});

const patience = { timeout: 20_000, interval: 10 };

describeWithServer("redis", "tickets of BullMQ", (url) => {
  test("name many jobs that are soon done, and one where the type is limited; each job runs once", {
    timeout: 60_000,
  }, async () => {
    const namespace = `test-${randomUUID()}`;
    const database = await createTestDatabase(inject("postgresUrl"));
    const tickets = createBullTickets({ url, namespace });
    const offered: Ticket[] = [];
    const recording: TicketQueue = {
      open: (types) => tickets.open(types),
      work: (limits, run) => tickets.work(limits, run),
      close: () => tickets.close(),
      offer: (some) => {
        offered.push(...some);
        return tickets.offer(some);
      },
    };
    const ran: string[] = [];
    const run =
      (type: string) =>
      (_: unknown, { number }: { readonly number: number }) =>
        void ran.push(type + number);
    const service = implement(batch, {
      commands: {
        fill: (ctx, { count }) => {
          for (const type of [batch.quick, batch.single, batch.rated])
            for (let number = 0; number < count; number++) ctx.enqueue(type, { number });
          return {};
        },
      },
      jobs: { quick: run("quick"), single: run("single"), rated: run("rated") },
    });
    const store = createPostgresStore({ url: database.url });
    const app = createApp({ services: [service], store, jobs: { tickets: recording } });
    onTestFinished(async () => {
      await app.stop();
      await removeKeys(url, namespace);
      await database.drop();
    });
    await app.start();
    // Until then nobody knows how long they take.
    await app.call(batch.fill, { count: 3 });
    await expect.poll(() => ran.length, patience).toBe(9);
    await app.settled();
    ran.length = 0;
    offered.length = 0;
    await app.call(batch.fill, { count: 40 });
    await expect.poll(() => ran.length, patience).toBe(120);
    await app.settled();
    const numbers = Array.from({ length: 40 }, (_, number) => number);
    expect(ran.toSorted()).toEqual(["quick", "rated", "single"].flatMap((type) => numbers.map((n) => type + n)).sort());
    const committed = (type: string) => offered.filter((ticket) => ticket.type === `batch.${type}`);
    expect(Math.max(...committed("quick").map(({ ids }) => ids.length))).toBeGreaterThan(1);
    for (const { ids } of [...committed("single"), ...committed("rated")]) expect(ids).toHaveLength(1);
  });
});
