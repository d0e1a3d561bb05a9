import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { isAlive } from "../src/postmaster.ts";
import { killOwners, startOwner } from "./owner-process.ts";
import { ask, makePlace, removePlaces, until } from "./places.ts";

/** Each test leaves the folder without a server, so one will do. */
const dataFolder = join(makePlace(), "data");

afterEach(killOwners);
afterAll(removePlaces);

test("kill -9 of the only owner takes the server down, cleanly and soon", async () => {
  const owner = startOwner({ dataFolder });
  const { pid } = await owner.next("ready");
  owner.kill();
  await until(() => !isAlive(pid), 10_000);
});

test("an owner that just exits takes the server down too", async () => {
  const owner = startOwner({ dataFolder });
  const { pid } = await owner.next("ready");
  owner.child.kill("SIGTERM");
  await until(() => !isAlive(pid), 10_000);
});

test("a restart right after kill -9 works and has every committed row", async () => {
  for (let rows = 0; rows < 4; rows++) {
    const owner = startOwner({ dataFolder });
    const { url, adopted } = await owner.next("ready");
    expect(adopted).toBe(false);
    await ask(url, "CREATE TABLE IF NOT EXISTS counted (row int)");
    expect(await ask(url, "SELECT count(*)::int AS rows FROM counted")).toEqual([{ rows }]);
    await ask(url, `INSERT INTO counted VALUES (${rows})`);
    owner.kill();
    await until(() => owner.child.signalCode !== null, 10_000);
  }
});

test("a second owner adopts, and neither's end stops the server while the other lives", async () => {
  const first = startOwner({ dataFolder });
  const started = await first.next("ready");
  const second = startOwner({ dataFolder });
  const adopted = await second.next("ready");
  expect(adopted).toMatchObject({ adopted: true, pid: started.pid, url: started.url, socketUrl: started.socketUrl });

  first.kill();
  await until(() => first.child.signalCode !== null, 10_000);
  const third = startOwner({ dataFolder });
  expect(await third.next("ready")).toMatchObject({ adopted: true, pid: started.pid });
  expect(await third.stop()).toBe("kept_by_another");
  expect(await ask(adopted.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);

  expect(await second.stop()).toBe("stopped");
  expect(isAlive(started.pid)).toBe(false);
});

test("four that start at once on an empty folder share one server", async () => {
  const empty = join(makePlace(), "data");
  const owners = [1, 2, 3, 4].map(() => startOwner({ dataFolder: empty }));
  const ready = await Promise.all(owners.map((owner) => owner.next("ready")));
  expect(new Set(ready.map(({ pid }) => pid)).size).toBe(1);
  expect(ready.filter(({ adopted }) => !adopted)).toHaveLength(1);
  expect(ready.filter(({ created }) => created)).toHaveLength(1);
  for (const owner of owners) owner.kill();
  await until(() => !isAlive(ready[0]!.pid), 10_000);
});

test("a server that dies is back at the same address, with every committed row, for each of its owners", async () => {
  const [first, second] = [startOwner({ dataFolder }), startOwner({ dataFolder })];
  const { pid, url, socketUrl } = await first.next("ready");
  await second.next("ready");
  await ask(url, "CREATE TABLE kept AS SELECT 42 AS answer");
  process.kill(pid, "SIGKILL");
  for (const owner of [first, second]) {
    expect(await owner.next("outage")).toEqual({ phase: "down", pid });
    expect(await owner.next("outage")).toMatchObject({ phase: "up", downMs: expect.any(Number) });
  }
  for (const address of [url, socketUrl]) {
    expect(await ask(address, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  }
  expect(await first.stop()).toBe("kept_by_another");
  expect(await second.stop()).toBe("stopped");
});

test("a server that dies again and again comes back each time", async () => {
  const owner = startOwner({ dataFolder });
  let { pid } = await owner.next("ready");
  for (let death = 1; death <= 6; death++) {
    process.kill(pid, "SIGKILL");
    expect(await owner.next("outage")).toEqual({ phase: "down", pid });
    const outage = await owner.next("outage");
    if (outage.phase !== "up") throw new Error(`death ${death}: ${JSON.stringify(outage)}`);
    pid = outage.pid;
  }
  expect(await owner.stop()).toBe("stopped");
});

test("a server that cannot start says so once, and is back when it can", async () => {
  const owner = startOwner({ dataFolder });
  const { pid } = await owner.next("ready");
  const control = join(dataFolder, "cluster/global/pg_control");
  renameSync(control, `${control}.away`);
  process.kill(pid, "SIGKILL");
  expect(await owner.next("outage")).toEqual({ phase: "down", pid });
  expect(await owner.next("outage")).toMatchObject({ phase: "refused" });
  renameSync(`${control}.away`, control);
  expect(await owner.next("outage")).toMatchObject({ phase: "up" });
  expect(await owner.stop()).toBe("stopped");
});

test("an owner stops while its server cannot start", async () => {
  const owner = startOwner({ dataFolder });
  const { pid } = await owner.next("ready");
  const control = join(dataFolder, "cluster/global/pg_control");
  renameSync(control, `${control}.away`);
  process.kill(pid, "SIGKILL");
  await owner.next("outage");
  expect(await owner.next("outage")).toMatchObject({ phase: "refused" });
  expect(await owner.stop()).toBe("stopped");
  renameSync(`${control}.away`, control);
});
