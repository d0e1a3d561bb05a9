import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { afterEach, expect, test } from "vitest";
import { openHistory } from "./history.ts";
import { connectJudge } from "./ledger-check.ts";
import { post, refusalOf } from "./load.ts";
import { createPlatform, type Platform, until } from "./platform.ts";
import { profile, randomOf, seed } from "./profile.ts";

const { subscriberKills, timeoutMs } = profile;
const keyCount = 12;
/** Deliveries that must be on their way when the process dies. */
const inFlightMin = 20;

let platform: Platform;
afterEach(() => platform.remove());

test(`kill -9 with deliveries on their way, ${subscriberKills} times: one effect each, in order per key, seed ${seed}`, {
  timeout: timeoutMs,
}, async () => {
  console.log(`BANYAN_FAULTS_SEED=${seed} chooses the same moments again`);
  const random = randomOf("subscriber killed");
  platform = await createPlatform(new URL("./relay/banyan.config.ts", import.meta.url));
  const history = await openHistory(join(platform.folder, "history.jsonl"));
  await platform.start();

  let talking = true;
  /** Says 1, 2, 3, … under its key; the next word only once the last was acknowledged, so that their order is known. */
  const talk = async (key: string) => {
    for (let n = 1; talking; n++) {
      const [reference, body] = [`${key}:${n}`, { words: [{ key, n }] }];
      await history.record([{ op: "invoked", reference }]);
      for (;;) {
        const answer = await post(platform, "/v1/relay/words", { body, idempotencyKey: reference });
        if (answer?.status === 200) break;
        await history.record([{ op: "unknown", reference }]);
        if (answer !== undefined) refusalOf(answer, "/v1/relay/words");
        await sleep(50);
      }
      await history.record([{ op: "ok", reference }]);
    }
  };
  const talkers = Array.from({ length: keyCount }, (_, n) => talk(`key-${n}`));
  for (let kills = 0; kills < subscriberKills; kills++) {
    await whileInFlight();
    await sleep(random() * 1_500);
    await platform.kill();
    await platform.start();
  }
  talking = false;
  await Promise.all(talkers);

  const client = await connectJudge(await platform.databaseUrl());
  try {
    await until("the outbox is empty", async () => (await client.query("SELECT FROM banyan.unsent")).rowCount === 0);
    const said = history
      .read()
      .filter(({ op }) => op === "ok")
      .map(({ reference }) => reference);
    expect(said.length).toBeGreaterThan(subscriberKills * keyCount);
    expect(await breaches(client, said)).toEqual([]);
    for (const [name, sql] of Object.entries(mutants)) {
      await client.query("BEGIN");
      await client.query(sql);
      expect(await breaches(client, said), name).not.toEqual([]);
      await client.query("ROLLBACK");
    }
  } finally {
    await client.end();
    await history.close();
  }
  expect(await platform.stop()).toBe(0);
});

async function whileInFlight(): Promise<void> {
  const client = await connectJudge(await platform.databaseUrl());
  // The kill that follows ends the server under this connection, too.
  client.on("error", () => {});
  try {
    await until("deliveries are on their way", async () => {
      const { rows } = await client.query("SELECT count(*)::int AS waiting FROM banyan.unsent");
      return rows[0].waiting >= inFlightMin;
    });
  } finally {
    await client.end();
  }
}

/** Sets against sets, then the order of each key; every word was acknowledged in the end. */
async function breaches(client: Client, said: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const table of ["heard", "echo", "together"]) {
    const { rows } = await client.query<{ key: string; n: number }>(`SELECT key, n FROM relay.${table} ORDER BY place`);
    const left = new Set(said);
    const last = new Map<string, number>();
    for (const { key, n } of rows) {
      if (!left.delete(`${key}:${n}`)) found.push(`${table}: ${key}:${n} has a second effect, or none said it`);
      if (n !== (last.get(key) ?? 0) + 1) found.push(`${table}: ${key}:${n} came after ${last.get(key)}`);
      last.set(key, n);
    }
    found.push(...[...left].map((reference) => `${table}: ${reference} has no effect`));
  }
  const wanted = Map.groupBy(said, (reference) => reference.slice(0, reference.lastIndexOf(":")));
  const { rows } = await client.query("SELECT key, word_count, last_n FROM relay.tally");
  for (const { key, word_count, last_n } of rows) {
    const count = wanted.get(key)?.length;
    if (word_count !== count || last_n !== count)
      found.push(`tally: ${key} has ${word_count}, the last ${last_n}, of ${count}`);
  }
  if (rows.length !== wanted.size) found.push(`tally: ${rows.length} keys of ${wanted.size}`);
  const { rows: dead } = await client.query("SELECT subscriber, error FROM banyan.dead_letter");
  return [...found, ...dead.map((letter) => `dead letter: ${JSON.stringify(letter)}`)];
}

/** What a careless inbox, a lost delivery and a lane that overtakes would leave behind. */
const mutants = {
  "a second effect": "INSERT INTO relay.heard (key, n) SELECT key, n FROM relay.heard ORDER BY place DESC LIMIT 1",
  "a lost effect": "DELETE FROM relay.echo WHERE place = (SELECT max(place) FROM relay.echo)",
  "a lost order": `UPDATE relay.heard SET n = CASE n WHEN 1 THEN 2 ELSE 1 END WHERE key = 'key-0' AND n IN (1, 2)`,
  "folded twice": "UPDATE relay.tally SET word_count = word_count + 1 WHERE key = 'key-0'",
};
