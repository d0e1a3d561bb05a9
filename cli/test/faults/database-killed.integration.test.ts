import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openHistory } from "./history.ts";
import { connectJudge, judge } from "./ledger-check.ts";
import { openLoadAccounts, startLoad } from "./load.ts";
import { createPlatform, type Platform, until } from "./platform.ts";
import { profile, randomOf, seed } from "./profile.ts";

const { transferCount, databaseKills, timeoutMs } = profile;
/** Three times what the process holds when idle; a leak per outage would pass it long before the last one. */
const residentBytesMax = 450 * 1024 * 1024;

let platform: Platform;
afterEach(() => platform.remove());

test(`kill -9 of the database server, ${databaseKills} times under load: the platform lives on, seed ${seed}`, {
  timeout: timeoutMs,
}, async () => {
  console.log(`BANYAN_FAULTS_SEED=${seed} chooses the same moments again`);
  const random = randomOf("database killed");
  platform = await createPlatform(new URL("../../../banyan.config.ts", import.meta.url));
  const history = await openHistory(join(platform.folder, "history.jsonl"));
  await platform.start();
  await openLoadAccounts(platform);
  const { pid } = platform;
  const load = startLoad(platform, history, transferCount);

  const overHttp = load.transfers.filter(({ reference }) => !reference.startsWith("berka:")).length;
  let residentBytes = 0;
  for (let kills = 0; kills < databaseKills; kills++) {
    const share = (kills + random()) / (databaseKills + 1);
    await until(`kill ${kills + 1}`, () => load.isDone() || load.acknowledged() >= overHttp * share);
    const killed = platform.postmasterPid();
    if (killed === undefined) throw new Error(`no database server runs:\n${platform.said()}`);
    process.kill(killed, "SIGKILL");
    await until("the database server is back", () => (platform.postmasterPid() ?? killed) !== killed);
    residentBytes = Math.max(residentBytes, platform.residentBytes());
  }
  await load.done;
  residentBytes = Math.max(residentBytes, platform.residentBytes());
  const codes = Map.groupBy(load.refusals, ({ status, code }) => `${status} ${code}`);
  console.log(
    [...codes].map(([code, all]) => `${code}: ${all.length}`).join(", "),
    `${residentBytes >> 20} MB at most`,
  );

  expect(platform.isRunning()).toBe(true);
  expect(platform.pid).toBe(pid);
  expect(load.broken()).toBe(0);
  expect(residentBytes).toBeLessThan(residentBytesMax);
  // Typed refusals that say when to come back; the load would have ended at any other.
  expect(load.refusals.filter(({ status, retryAfter }) => status === 503 && !(Number(retryAfter) >= 1))).toEqual([]);

  const client = await connectJudge(await platform.databaseUrl());
  try {
    await until("the outbox is empty", async () => (await client.query("SELECT FROM banyan.unsent")).rowCount === 0);
    expect(await judge({ client, history: history.read(), transfers: load.transfers })).toEqual([]);
  } finally {
    await client.end();
    await history.close();
  }
  const { code, stdout } = await platform.run("verify", "--json");
  expect({ code, ok: JSON.parse(stdout).ok }).toEqual({ code: 0, ok: true });
  expect(await platform.stop()).toBe(0);
});
