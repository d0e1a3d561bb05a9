import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openHistory } from "./history.ts";
import { connectJudge, judge } from "./ledger-check.ts";
import { openLoadAccounts, startLoad } from "./load.ts";
import { createPlatform, type Platform, until } from "./platform.ts";
import { profile, seed } from "./profile.ts";

const canMount = process.platform === "linux" && process.getuid?.() === 0;
/** A new cluster takes 40 MB; the rest is for a log and tables that grow until nothing is left. */
const diskMb = 240;
const transferCount = 4_000;

let platform: Platform;
let mounted: string | undefined;
afterEach(async () => {
  if (platform === undefined) return;
  await platform.kill();
  if (mounted !== undefined) execFileSync("umount", ["-l", mounted]);
  mounted = undefined;
  await platform.remove();
});

test.skipIf(!canMount)(
  `a full disk refuses by name and recovers (mounts a small one: Linux, root), seed ${seed}`,
  {
    timeout: profile.timeoutMs,
  },
  async () => {
    platform = await createPlatform(new URL("../../../banyan.config.ts", import.meta.url));
    const data = join(platform.folder, ".banyan");
    mkdirSync(data);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskMb}m,mode=0755`, "tmpfs", data]);
    mounted = data;
    const history = await openHistory(join(platform.folder, "history.jsonl"));
    await platform.start();
    await openLoadAccounts(platform);
    const { pid } = platform;
    const load = startLoad(platform, history, transferCount);
    await until("work is under way", () => load.acknowledged() >= 200);

    const filler = join(data, "filler");
    fill(filler);
    await until("the full disk is felt", () => load.refusals.some(({ code }) => code === "store.full"));
    // A while of it: whatever retries in a circle shows now.
    const refusedCount = load.refusals.length;
    await until("more is refused", () => load.refusals.length >= refusedCount + 50);
    expect(platform.pid).toBe(pid);
    expect(platform.isRunning()).toBe(true);
    // What is stored can be read meanwhile.
    expect((await platform.run("call", "ledger.trialBalance")).code).toBe(0);

    // Refused work is logged, too. When the server has no room for that either it ends, and cannot start before there is.
    await exhaustLog();
    await until("the server refuses to start", () => platform.said().includes("is tried again until it can"));
    const downCount = load.refusals.length;
    const isTold = () => load.refusals.slice(downCount).filter(({ code }) => code === "store.unavailable").length >= 20;
    await until("callers are told that the database is away", isTold);

    rmSync(filler);
    await load.done;
    const codes = Map.groupBy(load.refusals, ({ status, code: of }) => `${status} ${of}`);
    console.log([...codes].map(([of, all]) => `${of}: ${all.length}`).join(", "));
    expect(load.broken()).toBe(0);
    expect(platform.pid).toBe(pid);

    const client = await connectJudge(await platform.databaseUrl());
    try {
      await until("the outbox is empty", async () => (await client.query("SELECT FROM banyan.unsent")).rowCount === 0);
      expect(await judge({ client, history: history.read(), transfers: load.transfers })).toEqual([]);
    } finally {
      await client.end();
      await history.close();
    }
    expect((await platform.run("verify")).code).toBe(0);
    expect(await platform.stop()).toBe(0);
  },
);

/** Asks for the next segment of the write-ahead log, as a few minutes of refused work would. */
async function exhaustLog(): Promise<void> {
  const client = await connectJudge(await platform.databaseUrl());
  client.on("error", () => {});
  const segmentsMax = 64;
  for (let segment = 0; segment < segmentsMax; segment++) {
    const switched = await client
      .query("SELECT pg_logical_emit_message(true, 'faults', 'one more'), pg_switch_wal()")
      .catch(() => undefined);
    if (switched === undefined) break;
  }
  await client.end().catch(() => {});
}

/** Takes what is left, to the last block, as somebody else's files would. */
function fill(path: string): void {
  for (let size = 1 << 20; size >= 4_096; size >>= 4) {
    for (;;) {
      const { bavail, bsize } = statfsSync(mounted as string);
      if (bavail * bsize < size) break;
      try {
        writeFileSync(path, Buffer.alloc(size), { flag: "a" });
      } catch {
        break;
      }
    }
  }
}
