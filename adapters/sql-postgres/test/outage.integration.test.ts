import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@banyan/embedded-postgres";
import { AlreadyRecorded, type Budget, type Store } from "@banyan/kernel/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, createPostgresStore, statement } from "../src/index.ts";

let folder: string;
let server: EmbeddedPostgres;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "banyan outage "));
  server = await startEmbeddedPostgres({ dataFolder: join(folder, "postgres") });
  await run("CREATE TABLE public.tally (writer int PRIMARY KEY, n bigint NOT NULL)");
  store = createPostgresStore({ url: server.url });
  await store.start([]);
});
afterAll(async () => {
  await store.stop(budget(1_000));
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function budget(ms: number): Budget {
  const end = performance.now() + ms;
  return { remainingMs: () => end - performance.now(), signal: new AbortController().signal };
}

async function run(text: string): Promise<Record<string, unknown>[]> {
  const connection = await connect({ url: server.url });
  const [result] = await connection.run([statement(text)]).finally(() => connection.close());
  return result?.rows ?? [];
}

test("the server dies at any moment: what was acknowledged is there, what was not is there once or not at all", async () => {
  const writers = [1, 2, 3, 4, 5, 6];
  const acknowledged = new Map(writers.map((writer) => [writer, 0]));
  const failures = new Set<unknown>();
  let writing = true;
  const key = randomUUID();

  async function add(writer: number): Promise<void> {
    const command = {
      id: new Uint8Array(randomBytes(16)),
      bodyHash: new Uint8Array(32),
      ...{ tenant: "t", actor: "ann", action: "tally.add", traceId: "", outcome: { result: "{}" } },
    };
    const event = { type: "tally.added", tenant: "t", key, data: "{}", traceId: "", metadata: {} };
    for (;;) {
      const transaction = store.beginCommands([command], budget(5_000));
      try {
        await transaction.sql`INSERT INTO public.tally VALUES (${writer}, 1) ON CONFLICT (writer) DO UPDATE SET n = tally.n + 1`;
        await transaction.commit({ events: [{ ...event, id: randomUUID() }], jobs: [], commands: [command] });
        return;
      } catch (error) {
        await transaction.rollback();
        if (error instanceof AlreadyRecorded) return;
        failures.add((error as { code?: unknown }).code);
      }
    }
  }

  const working = Promise.all(
    writers.map(async (writer) => {
      while (writing) {
        await add(writer);
        acknowledged.set(writer, (acknowledged.get(writer) as number) + 1);
      }
    }),
  );
  const total = () => [...acknowledged.values()].reduce((sum, n) => sum + n, 0);
  for (let kill = 0; kill < 3; kill++) {
    const before = total();
    while (total() < before + 60) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(server.pid, "SIGKILL");
  }
  const before = total();
  while (total() < before + 60) await new Promise((resolve) => setTimeout(resolve, 5));
  writing = false;
  await working;

  expect([...failures].filter((code) => !["store.unavailable", "store.uncertain"].includes(code as string))).toEqual(
    [],
  );
  const counted = await run("SELECT writer, n FROM public.tally ORDER BY writer");
  expect(counted).toEqual(writers.map((writer) => ({ writer, n: acknowledged.get(writer) })));
  const events = await run(`SELECT version FROM banyan.event WHERE key = '${key}' ORDER BY version`);
  expect(events.map((row) => row.version)).toEqual(Array.from({ length: total() }, (_, index) => index + 1));
  expect(await run("SELECT count(*) AS n FROM banyan.command")).toEqual([{ n: total() }]);
}, 60_000);

test("whoever loses the session of the lead learns it, and announcements are heard again after an outage", async () => {
  const { lost, release } = await store.outbox.lead("listener", new AbortController().signal);
  const heard = Promise.withResolvers<void>();
  const aborted = new Promise((resolve) => lost.addEventListener("abort", resolve));
  await run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'banyan %'");
  await aborted;
  await release();
  store.outbox.onAnnounced(() => heard.resolve());
  const other = createPostgresStore({ url: server.url });
  await other.start([]);
  const say = () => other.jobs.setPaused("tally.job", false);
  const timer = setInterval(() => void say(), 50);
  await heard.promise;
  clearInterval(timer);
  await other.stop(budget(1_000));
});

test("a password is in no fault", async () => {
  const broken = createPostgresStore({ url: "postgres://ann:hunter2@127.0.0.1:1/none" });
  const failed = (await broken.start([]).catch((error: unknown) => error)) as Error;
  expect(failed).toMatchObject({ code: "store.unavailable", retry: "yes" });
  expect(
    `${JSON.stringify(failed)}${failed.stack}${String(failed.cause)}${JSON.stringify(failed.cause)}`,
  ).not.toContain("hunter2");
});
