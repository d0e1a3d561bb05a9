import { expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { connect, createPostgresStore, statement } from "../../src/index.ts";

const blockSize = 1_024;
const budget = () => {
  const end = performance.now() + 10_000;
  return { remainingMs: () => end - performance.now(), signal: new AbortController().signal };
};
const times = Date.now().toString(16).padStart(12, "0");
/** A UUIDv7 of now, in the order of its numbers. */
const idOf = (number: number) =>
  `${times.slice(0, 8)}-${times.slice(8)}-7000-8000-${number.toString(16).padStart(12, "0")}`;

test("of events of several types and traces, across a block's end, each service waits for its own, and all are as they are told", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  const store = createPostgresStore({ url: database.url });
  const hearing = { alphas: ["probe.alpha"], betas: ["probe.beta"], both: ["probe.alpha", "probe.beta"] };
  await store.start(Object.entries(hearing).map(([name, hears]) => ({ name, hears, migrations: undefined })));
  const betas = [1_022, 1_025];
  const events = Array.from({ length: 1_026 }, (_, number) => ({
    id: idOf(number),
    type: betas.includes(number) ? "probe.beta" : "probe.alpha",
    tenant: `tenant ${number % 2}`,
    key: `key ${number % 7}`,
    data: `{"number":${number}}`,
    traceId: String(number % 3).repeat(32),
    metadata: { from: `test ${number % 5}` },
  }));
  const told = (await store.beginCommands([], budget()).commit({ events, jobs: [], commands: [] })).events;

  const connection = await connect({ url: database.url });
  const [stored, unsent] = await connection.run([
    statement("SELECT seq, version, id, type, tenant, key, data, trace_id, metadata FROM banyan.event ORDER BY id"),
    statement(
      "SELECT service, block, lower(part) - block AS from, upper(part) - block AS until FROM banyan.unsent, unnest(waiting) AS part ORDER BY 1, 2, 3",
    ),
  ]);
  expect(stored?.rows).toEqual(
    told.map(({ traceId, metadata, at: _, ...event }) => ({
      ...event,
      trace_id: traceId,
      metadata: JSON.stringify(metadata),
    })),
  );
  expect(told.map(({ at: _, seq: __, version: ___, ...event }) => event)).toEqual(events);
  const ranks = new Map<string, number>();
  for (const { tenant, key, version } of told) {
    const of = `${tenant} ${key}`;
    ranks.set(of, (ranks.get(of) ?? 0) + 1);
    expect(version).toBe(ranks.get(of));
  }
  const [one = 0, two = 0] = [told[0]?.seq, told[blockSize]?.seq];
  expect([one % blockSize, two % blockSize]).toEqual([0, 0]);
  expect(unsent?.rows).toEqual([
    { service: "alphas", block: one, from: 0, until: 1_022 },
    { service: "alphas", block: one, from: 1_023, until: 1_024 },
    { service: "alphas", block: two, from: 0, until: 1 },
    { service: "betas", block: one, from: 1_022, until: 1_023 },
    { service: "betas", block: two, from: 1, until: 2 },
    { service: "both", block: one, from: 0, until: 1_024 },
    { service: "both", block: two, from: 0, until: 2 },
  ]);
  await connection.close();
  await store.stop(budget());
  await database.drop();
});
