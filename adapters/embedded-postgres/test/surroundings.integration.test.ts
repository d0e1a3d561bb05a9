import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { startEmbeddedPostgres } from "../src/index.ts";
import { isAlive } from "../src/postmaster.ts";
import { killOwners, startOwner } from "./owner-process.ts";
import { ask, makePlace, removePlaces, until } from "./places.ts";

const isLinux = process.platform === "linux";
const isRoot = process.getuid?.() === 0;
/** "daemon" on Linux and macOS; initdb wants the user to have a name. */
const plain = { uid: 1, gid: 1 };
const nameless = { uid: 54_321, gid: 54_321 };
/** A checkout under /root is closed to everyone else, its Node included. */
const plainMayRun =
  isRoot && spawnSync(process.execPath, ["--check", import.meta.filename], { ...plain, cwd: "/" }).status === 0;

/** Each test leaves it without a server. */
const dataFolder = join(makePlace(), "data");

afterEach(killOwners);
afterAll(removePlaces);

test("data of another major version is refused with what to do, and is not touched", async () => {
  const old = join(makePlace(), "data");
  mkdirSync(join(old, "cluster"), { recursive: true });
  writeFileSync(join(old, "cluster", "PG_VERSION"), "16\n");
  await expect(startEmbeddedPostgres({ dataFolder: old })).rejects.toMatchObject({
    code: "data_version",
    message: expect.stringMatching(/PostgreSQL 16.*PostgreSQL 18.*pg_dumpall/s),
  });
  expect(readFileSync(join(old, "cluster", "PG_VERSION"), "utf8")).toBe("16\n");
});

test("a stale postmaster.pid does not stop a start, though its pid is another program's by now", async () => {
  await (await startEmbeddedPostgres({ dataFolder })).stop();
  const bystander = spawn("sleep", ["60"]);
  for (const pid of [bystander.pid as number, 4_194_000]) {
    writeFileSync(
      join(dataFolder, "cluster", "postmaster.pid"),
      `${pid}\n/gone\n1700000000\n55000\n../run\n127.0.0.1\n\nready\n`,
    );
    const postgres = await startEmbeddedPostgres({ dataFolder });
    expect(postgres.adopted).toBe(false);
    expect(await ask(postgres.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await postgres.stop();
  }
  expect(isAlive(bystander.pid as number)).toBe(true);
  bystander.kill();
});

test("an empty postmaster.pid, of a server that died before it wrote its pid, gives way to a start", async () => {
  const postmasterFile = join(dataFolder, "cluster", "postmaster.pid");
  writeFileSync(postmasterFile, "");
  const postgres = await startEmbeddedPostgres({ dataFolder });
  expect(readFileSync(postmasterFile, "utf8")).toContain(`${postgres.url.match(/:(\d+)\//)?.[1]}`);
  await postgres.stop();
});

test.runIf(isLinux)(
  "Linux (only): a server whose guard was killed with its owner makes room for a guarded one",
  async () => {
    const owner = startOwner({ dataFolder });
    const { pid } = await owner.next("ready");
    const guard = parentOf(pid);
    const watcher = readdirSync("/proc")
      .map(Number)
      .find((one) => one !== pid && parentOf(one) === guard);
    for (const part of [owner.child.pid as number, guard, watcher as number]) process.kill(part, "SIGKILL");
    const next = startOwner({ dataFolder });
    const ready = await next.next("ready");
    expect(ready).toMatchObject({ adopted: false });
    expect(ready.pid).not.toBe(pid);
    await until(() => !isAlive(pid), 10_000);
    expect(readFileSync(join(dataFolder, "postgres.log"), "utf8")).toContain("received fast shutdown request");
    expect(await next.stop()).toBe("stopped");
  },
);

test.runIf(isLinux)(
  "Linux (only): a start right after kill -9 of everything is not held up by queries that nobody waits for",
  async () => {
    const owner = startOwner({ dataFolder });
    const { pid, url } = await owner.next("ready");
    const busy = Promise.allSettled(
      [1, 2, 3].map(() => ask(url, "SELECT count(*) FROM generate_series(1, 100000000)")),
    );
    await until(
      async () => (await ask(url, "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%generate%'")).length > 3,
      5_000,
    );
    process.kill(owner.child.pid as number, "SIGKILL");
    process.kill(-parentOf(pid), "SIGKILL");
    const next = startOwner({ dataFolder });
    expect(await next.next("ready")).toMatchObject({ adopted: false });
    expect(await next.stop()).toBe("stopped");
    await busy;
  },
);

test("a log that grew large is moved aside at the next start", async () => {
  const log = join(dataFolder, "postgres.log");
  writeFileSync(log, Buffer.alloc(17 * 1024 * 1024, "x"));
  await (await startEmbeddedPostgres({ dataFolder })).stop();
  expect(statSync(`${log}.1`).size).toBe(17 * 1024 * 1024);
  expect(statSync(log).size).toBeLessThan(10_000);
});

test("what PostgreSQL refuses is told in its own words", async () => {
  await expect(startEmbeddedPostgres({ dataFolder, settings: { no_such_setting: "1" } })).rejects.toMatchObject({
    code: "start_failed",
    message: expect.stringContaining('unrecognized configuration parameter "no_such_setting"'),
  });
});

test("a cache that others may write is refused", async () => {
  const cacheFolder = makePlace("cache");
  chmodSync(cacheFolder, 0o777);
  await expect(startEmbeddedPostgres({ dataFolder, cacheFolder })).rejects.toMatchObject({ code: "cache_unusable" });
});

test.runIf(isLinux && isRoot)(
  "root on Linux (only): the server runs as an unprivileged user that owns its data",
  async () => {
    const postgres = await startEmbeddedPostgres({ dataFolder });
    expect(statSync(`/proc/${postgres.pid}`)).toMatchObject({ uid: 65_534, gid: 65_534 });
    expect(statSync(dataFolder)).toMatchObject({ uid: 65_534, gid: 65_534 });
    await postgres.stop();
  },
);

test.runIf(isLinux && isRoot)(
  "root on Linux (only): a folder that only root may enter, such as /root, works",
  async () => {
    const closed = makePlace("closed");
    chmodSync(closed, 0o700);
    const postgres = await startEmbeddedPostgres({ dataFolder: join(closed, "data") });
    expect(statSync(`/proc/${postgres.pid}`).uid).toBe(65_534);
    for (const url of [postgres.url, postgres.socketUrl]) {
      expect(await ask(url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    }
    process.kill(postgres.pid, "SIGKILL");
    await until(
      () =>
        ask(postgres.url, "SELECT 1").then(
          () => true,
          () => false,
        ),
      10_000,
    );
    expect(await postgres.stop()).toBe("stopped");
  },
);

test.runIf(plainMayRun)(
  "root on Linux (only): a plain user runs the server directly, root may join, strangers may not",
  async () => {
    const place = makePlace("home");
    chownSync(place, plain.uid, plain.gid);
    const options = { dataFolder: join(place, "data"), cacheFolder: join(place, "cache") };
    const owner = startOwner(options, { ...plain, cwd: place });
    const { pid, url, socketUrl } = await owner.next("ready");
    expect(statSync(`/proc/${pid}`)).toMatchObject(plain);
    expect(await ask(url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect(await ask(socketUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);

    const stranger = startOwner({ ...options, cacheFolder: join(makePlace(), "cache") }, { ...nameless, cwd: "/" });
    expect(await stranger.next("error")).toMatchObject({ code: expect.stringMatching(/^(data_owner|not_writable)$/) });

    const root = startOwner({ dataFolder: options.dataFolder });
    expect(await root.next("ready")).toMatchObject({ adopted: true, pid });
    expect(await owner.stop()).toBe("kept_by_another");
    process.kill(pid, "SIGKILL");
    await root.next("outage");
    const up = await root.next("outage");
    if (up.phase !== "up") throw new Error(JSON.stringify(up));
    expect(statSync(`/proc/${up.pid}`)).toMatchObject(plain);
    expect(await root.stop()).toBe("stopped");

    const again = startOwner(options, { ...plain, cwd: place });
    expect(await again.next("ready")).toMatchObject({ adopted: false, created: false });
    expect(await again.stop()).toBe("stopped");
  },
);

test.runIf(isLinux && plainMayRun)("root on Linux (only): a uid without a name is told to get one", async () => {
  const place = makePlace("home");
  chownSync(place, nameless.uid, nameless.gid);
  const options = { dataFolder: join(place, "data"), cacheFolder: join(place, "cache") };
  const owner = startOwner(options, { ...nameless, cwd: place });
  expect(await owner.next("error")).toMatchObject({ code: "user_unknown" });
});

test.runIf(isLinux && isRoot)(
  "root on Linux (only): a full disk is named, and once there is room the same folder starts",
  async () => {
    const place = makePlace("full");
    if (spawnSync("/bin/mount", ["-t", "tmpfs", "-o", "size=20m,mode=0755", "tmpfs", place]).status !== 0) return;
    try {
      const small = join(place, "data");
      await expect(startEmbeddedPostgres({ dataFolder: small })).rejects.toMatchObject({ code: "disk_full" });
      spawnSync("/bin/mount", ["-o", "remount,size=200m", place]);
      const postgres = await startEmbeddedPostgres({ dataFolder: small });
      expect(await ask(postgres.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await postgres.stop();
    } finally {
      // The guard ends a moment after its server.
      await until(() => spawnSync("/bin/umount", [place]).status === 0, 10_000);
    }
  },
);

function parentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
  } catch {
    return 0;
  }
}
