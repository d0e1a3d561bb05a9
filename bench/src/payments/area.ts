import { withPostgres } from "../postgres.ts";
import type { Area, Bench, Loaded, Sample, Wanted } from "../rounds.ts";
import { measureUnderLoad } from "../rounds.ts";
import type { Row } from "../row.ts";
import type { Subject } from "../subject-process.ts";

const CLIENTS = 16;
const key = "bench-key-that-opens-nothing-else";
const wanted: Wanted[] = [
  {
    row: `captures through HTTP, awaited, ${CLIENTS} clients`,
    ours: "captures",
    peer: "posts",
    metric: "perSecond",
    unit: "captures/s",
    better: "larger",
    reach: 0.35,
  },
];

/** A capture is a workflow over two services: a part of a hold is taken, posted with its fee, and the rest held on. */
export const paymentsArea: Area = {
  name: "payments",
  about: "captures of wallet payments through HTTP, awaited, beside bare posts to the ledger",
  run: (bench) => withPostgres(bench, (url) => run(bench, url)),
};

async function run(bench: Bench, url: string): Promise<Row[]> {
  const durationMs = bench.quick ? 1_000 : 4_000;
  const subject = (id: string, name: string): Subject => ({
    id,
    name,
    module: new URL("./served.ts", import.meta.url),
    options: { url, key },
  });
  const subjects = [subject("captures", "ours"), subject("posts", "posts to the ledger through HTTP")];
  const measures: Record<string, (loaded: Loaded) => Promise<Sample>> = {
    captures: async (loaded) => {
      const ids = await loaded.running.ask<string[]>("authorized");
      const bodies = new URL("./bodies.ts", import.meta.url);
      const load = { path: "", bodies, run: { ids, name: crypto.randomUUID() }, durationMs };
      return await measure(loaded, load);
    },
    posts: async (loaded) => {
      await loaded.running.ask("openAccounts");
      const one = { name: crypto.randomUUID(), spread: "spread", perRequest: 1 };
      const bodies = new URL("../ledger/bodies.ts", import.meta.url);
      const load = { path: "/v1/ledger/transactions", bodies, run: one, durationMs };
      return await measure(loaded, load);
    },
  };
  const figures = await measureUnderLoad(bench, { subjects }, async (loaded, { id }) => measures[id]?.(loaded) ?? {});
  return figures.rows(wanted);
}

interface Load {
  readonly path: string;
  readonly bodies: URL;
  readonly run: object;
  readonly durationMs: number;
}

/** Once to warm up, once to measure, each until its events are delivered. */
async function measure({ running, loading }: Loaded, { path, bodies, run, durationMs }: Load): Promise<Sample> {
  const url = (await running.ask<string>("address")) + path;
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  const request = { url, method: "POST", headers, connections: CLIENTS, durationMs };
  const once = async () => {
    const { perSecond } = await loading.ask<{ perSecond: number }>("loadWith", {
      ...request,
      bodies: bodies.href,
      run,
    });
    await running.ask("settled");
    return perSecond;
  };
  await once();
  return { perSecond: await once() };
}
