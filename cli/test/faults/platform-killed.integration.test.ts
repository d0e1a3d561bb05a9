import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openHistory } from "./history.ts";
import { connectJudge, judge, missedByJudge } from "./ledger-check.ts";
import { openLoadAccounts, startLoad } from "./load.ts";
import { createPlatform, type Platform, until } from "./platform.ts";
import { profile, randomOf, seed } from "./profile.ts";

const { transferCount, platformKills, timeoutMs } = profile;
let platform: Platform;
afterEach(() => platform.remove());

test(`kill -9 of the platform, ${platformKills} times during an import of ${transferCount} transfers, seed ${seed}`, {
  timeout: timeoutMs,
}, async () => {
  console.log(`BANYAN_FAULTS_SEED=${seed} chooses the same moments again`);
  const random = randomOf("platform killed");
  platform = await createPlatform(new URL("../../../banyan.config.ts", import.meta.url));
  const history = await openHistory(join(platform.folder, "history.jsonl"));
  await platform.start();
  await openLoadAccounts(platform);
  const load = startLoad(platform, history, transferCount);

  const overHttp = load.transfers.filter(({ reference }) => !reference.startsWith("berka:")).length;
  for (let kills = 0; kills < platformKills; kills++) {
    const share = (kills + random()) / (platformKills + 1);
    await until(`kill ${kills + 1}`, () => load.isDone() || load.acknowledged() >= overHttp * share);
    if (load.isDone()) break;
    await platform.kill();
    // A start may be killed, too: while the database recovers, between migrations, right after the port is open.
    for (; kills + 1 < platformKills && random() < 0.25; kills++) await platform.startAndKill(random() * 1_500);
    await platform.start();
  }
  await load.done;
  console.log(`${load.broken()} connections broke, ${load.refusals.length} requests were refused`);
  expect(load.broken()).toBeGreaterThan(0);

  const client = await connectJudge(await platform.databaseUrl());
  try {
    await until("the outbox is empty", async () => (await client.query("SELECT FROM banyan.unsent")).rowCount === 0);
    const evidence = { client, history: history.read(), transfers: load.transfers };
    expect(await judge(evidence)).toEqual([]);
    expect(await missedByJudge(evidence)).toEqual([]);
  } finally {
    await client.end();
    await history.close();
  }
  const { code, stdout } = await platform.run("verify", "--json");
  expect({ code, ok: JSON.parse(stdout).ok }).toEqual({ code: 0, ok: true });
  expect(await platform.stop()).toBe(0);
});
