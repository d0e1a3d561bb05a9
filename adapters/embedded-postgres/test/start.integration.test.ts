import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { prepareEmbeddedPostgres, startEmbeddedPostgres } from "../src/index.ts";
import { isAlive } from "../src/postmaster.ts";
import { ask, makePlace, removePlaces } from "./places.ts";

/** For the tests that mind neither its path nor its rows. */
const dataFolder = join(makePlace(), "data");

afterAll(removePlaces);

test("an empty machine with a strict umask gets a server that keeps its data over a stop", async () => {
  const umask = process.umask(0o077);
  onTestFinished(() => void process.umask(umask));
  const [place, cacheFolder] = [makePlace(), makePlace("cache")];
  const dataFolder = join(place, "data");
  const said: string[] = [];
  const first = await startEmbeddedPostgres({ dataFolder, cacheFolder, onProgress: (message) => said.push(message) });
  expect(first).toMatchObject({ adopted: false, created: true });
  expect(said).toContain("Preparing PostgreSQL for the first time on this machine");
  await ask(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
  const { pid } = first;
  expect(await first.stop()).toBe("stopped");
  expect(isAlive(pid)).toBe(false);

  const second = await startEmbeddedPostgres({ dataFolder, cacheFolder });
  expect(second).toMatchObject({ adopted: false, created: false, url: first.url });
  expect(await ask(second.socketUrl, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await second.stop();

  const elsewhere = await startEmbeddedPostgres({ dataFolder: join(place, "another"), cacheFolder, onProgress: fail });
  expect(elsewhere.created).toBe(true);
  expect(await ask(elsewhere.url, "SELECT to_regclass('kept') AS kept")).toEqual([{ kept: null }]);
  await elsewhere.stop();
});

test("what is prepared ahead a first start need not do", async () => {
  const [place, cacheFolder] = [makePlace(), makePlace("cache")];
  const dataFolder = join(place, "data");
  const said: string[] = [];
  await prepareEmbeddedPostgres({ dataFolder, cacheFolder, onProgress: (message) => said.push(message) });
  expect(said).toEqual(["Preparing PostgreSQL for the first time on this machine"]);
  expect(existsSync(join(dataFolder, "cluster"))).toBe(false);
  const postgres = await startEmbeddedPostgres({ dataFolder, cacheFolder, onProgress: fail });
  expect(postgres.created).toBe(true);
  await postgres.stop();
});

test("it is PostgreSQL 18, synced to disk, in the same order of text everywhere, with the caller's settings over ours", async () => {
  const postgres = await startEmbeddedPostgres({ dataFolder, settings: { max_connections: "31" } });
  const rows = await ask(
    postgres.url,
    `SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('fsync') AS fsync,
            current_setting('synchronous_commit') AS commit, current_setting('max_connections') AS connections,
            current_setting('data_checksums') AS checksums, datlocale AS locale, pg_encoding_to_char(encoding) AS encoding
     FROM pg_database WHERE datname = current_database()`,
  );
  expect(rows).toEqual([
    { major: 18, fsync: "on", commit: "on", connections: "31", checksums: "on", locale: "C.UTF-8", encoding: "UTF8" },
  ]);
  await postgres.stop();
});

test("nobody gets in without the password, and only this user can read it", async () => {
  const postgres = await startEmbeddedPostgres({ dataFolder });
  for (const url of [postgres.url, postgres.socketUrl]) {
    const wrong = url.replace(/:[^:@/]+@/, ":wrong@");
    expect(wrong).not.toBe(url);
    await expect(ask(wrong, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  }
  expect(statSync(dataFolder).mode & 0o777).toBe(0o700);
  expect(statSync(join(dataFolder, "cluster")).mode & 0o777).toBe(0o700);
  expect(statSync(join(dataFolder, "run")).mode & 0o777).toBe(0o700);
  expect(statSync(join(dataFolder, "cluster", "banyan-password")).mode & 0o777).toBe(0o600);
  const [port] = await ask(
    postgres.url,
    "SELECT inet_server_addr()::text AS host, current_setting('listen_addresses') AS all",
  );
  expect(port).toEqual({ host: "127.0.0.1/32", all: "127.0.0.1" });
  await postgres.stop();
});

test("spaces, quotes and commas in the path are no matter", async () => {
  const dataFolder = join(makePlace(`my "own", project's folder`), "data");
  const postgres = await startEmbeddedPostgres({ dataFolder });
  expect(await ask(postgres.socketUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect(await ask(postgres.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await postgres.stop();
});

test("a path too long for a socket gets a short private one", async () => {
  const dataFolder = join(makePlace(`${"very-".repeat(30)}long path`), "data");
  const postgres = await startEmbeddedPostgres({ dataFolder });
  expect(await ask(postgres.socketUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  const socketFolder = new URL(postgres.socketUrl).searchParams.get("host") as string;
  expect(Buffer.byteLength(socketFolder)).toBeLessThan(86);
  expect(statSync(socketFolder).mode & 0o777).toBe(0o700);
  await postgres.stop();
  expect(readdirSync(socketFolder)).toEqual(["owners"]);
  rmSync(socketFolder, { recursive: true });
});

test("a folder reached through a link is the folder itself: the second owner adopts", async () => {
  const first = await startEmbeddedPostgres({ dataFolder });
  const link = join(makePlace(), "link");
  symlinkSync(dataFolder, link);
  const second = await startEmbeddedPostgres({ dataFolder: link });
  expect(second).toMatchObject({ adopted: true, pid: first.pid, url: first.url });
  expect(await second.stop()).toBe("kept_by_another");
  expect(await first.stop()).toBe("stopped");
});

test("a port that somebody took meanwhile is passed over", async () => {
  const first = await startEmbeddedPostgres({ dataFolder });
  const port = Number(new URL(first.url).port);
  expect(port).toBeGreaterThanOrEqual(55_000);
  expect(port).toBeLessThan(56_000);
  await first.stop();
  const squatter = createServer().listen(port, "127.0.0.1");
  const second = await startEmbeddedPostgres({ dataFolder });
  expect(Number(new URL(second.url).port)).not.toBe(port);
  expect(await ask(second.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await second.stop();
  squatter.close();
});

test("a start that is given up leaves nothing running", async () => {
  const reason = new Error("enough");
  await expect(startEmbeddedPostgres({ dataFolder, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(existsSync(join(dataFolder, "cluster", "postmaster.pid"))).toBe(false);
  const { stop } = await startEmbeddedPostgres({ dataFolder });
  expect(await stop()).toBe("stopped");
  expect(readFileSync(join(dataFolder, "postgres.log"), "utf8")).toContain("database system is shut down");
});

function fail(message: string): void {
  throw new Error(`nothing to wait for, yet it said: ${message}`);
}
