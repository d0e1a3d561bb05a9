import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@banyan/embedded-postgres";
import { command, defineContract, event, implement, workflow } from "@banyan/kernel";
import { type App, createApp } from "@banyan/kernel/app";
import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { connect, createPostgresStore, statement } from "../../src/index.ts";

const Named = z.strictObject({ name: z.string() });
const Nothing = z.strictObject({});
const runCount = 40;
/** At least as many are held, in the middle of a step, when the server is killed. */
const takenOverCount = 10;
const leaseMs = 500;

const orders = defineContract("orders", {
  workflows: { place: workflow({ input: Named, output: Nothing, access: "public" }) },
});
const stock = defineContract("stock", {
  commands: {
    take: command({ input: Named, output: Nothing, access: "public" }),
    send: command({ input: Named, output: Nothing, access: "public" }),
  },
  events: {
    taken: event({ data: Named, key: ({ name }) => name }),
    sent: event({ data: Named, key: ({ name }) => name }),
  },
});

/** A process with a store of its own; `wrap` is the effect outside, between two commands. */
async function startProcess(url: string, wrap: () => unknown) {
  const store = createPostgresStore({ url });
  const services = [
    implement(orders, {
      workflows: {
        place: async (flow, { name }) => {
          await flow.call("take", stock.take, { name });
          await flow.run("wrap", async () => {
            await wrap();
          });
          return flow.call("send", stock.send, { name });
        },
      },
    }),
    implement(stock, {
      commands: {
        take: (ctx, input) => {
          ctx.emit(stock.taken, input);
          return {};
        },
        send: (ctx, input) => {
          ctx.emit(stock.sent, input);
          return {};
        },
      },
    }),
  ];
  const app: App = createApp({ services, store, workflows: { leaseMs }, report: () => {} });
  onTestFinished(() => app.stop({ deadlineMs: 200 }));
  await app.start();
  const end = performance.now() + 1_000;
  const crash = () => store.stop({ remainingMs: () => end - performance.now(), signal: AbortSignal.abort() });
  return { app, crash };
}

test("a server that is killed while runs are taken over loses none, and what they did is done once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "banyan killed "));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const server = await startEmbeddedPostgres({ dataFolder: join(folder, "postgres") });
  onTestFinished(async () => void (await server.stop()));

  let reached = 0;
  const first = await startProcess(server.url, () => {
    reached++;
    return new Promise(() => {});
  });
  for (let run = 0; run < runCount; run++) first.app.call(orders.place, { name: `order ${run}` }).catch(() => {});
  await vi.waitFor(() => expect(reached).toBe(runCount), 20_000);
  await first.crash();

  const { pid } = server;
  const killed = Promise.withResolvers<void>();
  let takenOver = 0;
  const second = await startProcess(server.url, () => {
    if (++takenOver === takenOverCount) {
      process.kill(pid, "SIGKILL");
      killed.resolve();
    }
    return killed.promise;
  });
  await vi.waitFor(
    async () => expect(await second.app.workflows.list({ state: "done" })).toHaveLength(runCount),
    60_000,
  );
  expect(server.pid).not.toBe(pid);

  const connection = await connect({ url: server.url });
  onTestFinished(() => connection.close());
  const counting =
    "SELECT type, count(*)::int AS n, count(DISTINCT key)::int AS keys FROM banyan.event GROUP BY type ORDER BY type";
  const [counted] = await connection.run([statement(counting)]);
  expect(counted?.rows).toEqual(["stock.sent", "stock.taken"].map((type) => ({ type, n: runCount, keys: runCount })));
}, 120_000);
