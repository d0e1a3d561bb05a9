import { afterEach, expect, test } from "vitest";
import { connectJudge } from "./ledger-check.ts";
import { post } from "./load.ts";
import { createPlatform, type Platform, until } from "./platform.ts";

const keys = Array.from({ length: 10 }, (_, n) => `key-${n}`);
const wordsEach = 12;

let platform: Platform;
afterEach(() => platform.remove());

test("poisoned events that share a transaction with others hold up the later ones of their keys, and nobody else", async () => {
  platform = await createPlatform(new URL("./relay/banyan.config.ts", import.meta.url));
  await platform.start();
  const client = await connectJudge(await platform.databaseUrl());
  try {
    await client.query("INSERT INTO relay.poison SELECT 'key-' || k, 2 FROM generate_series(0, 4) AS k");
    // In turn, so that each key's words lie among those of all others in one transaction of the subscriber.
    const words = Array.from({ length: wordsEach }, (_, n) => keys.map((key) => ({ key, n: n + 1 }))).flat();
    expect((await post(platform, "/v1/relay/words", { body: { words } }))?.status).toBe(200);
    const heard = async (): Promise<{ key: string; n: number }[]> =>
      (await client.query("SELECT key, n FROM relay.together ORDER BY place")).rows;

    const [poisoned, healthy] = [keys.slice(0, 5), keys.slice(5)];
    await until("all that can be heard is", async () => (await heard()).length >= 5 + healthy.length * wordsEach);
    const early = (await heard()).filter(({ key }) => poisoned.includes(key));
    expect(early.every(({ n }) => n === 1)).toBe(true);

    await client.query("DELETE FROM relay.poison");
    await until("everything is heard", async () => (await client.query("SELECT FROM banyan.unsent")).rowCount === 0);
    const byKey = Map.groupBy(await heard(), ({ key }) => key);
    const inOrder = Array.from({ length: wordsEach }, (_, n) => n + 1);
    for (const key of keys) expect([key, byKey.get(key)?.map(({ n }) => n)]).toEqual([key, inOrder]);
  } finally {
    await client.end();
  }
}, 120_000);
