import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { startEmbeddedPostgres } from "@banyan/embedded-postgres";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createTestProject, occupyPort, type TestProject } from "../../tools/test-project.ts";

const notes = new URL("./notes/banyan.config.ts", import.meta.url);
let project: TestProject;
beforeEach(() => {
  project = createTestProject(notes);
});
afterEach(() => project.remove());

const keyFile = () => join(project.folder, ".banyan/api-key");
/** Connections with a request on them, this one included: a client opens another only while the first is busy. */
const inFlight = async (url: string) => {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/banyan_http_connections (\d+)/.exec(metrics)?.[1]);
};
const mode = (path: string) => statSync(path).mode & 0o777;

describe("banyan start", () => {
  test("starts on an empty folder, seeds, keeps the key privately, and exits 0 at SIGTERM", async () => {
    const server = await project.start();
    expect(server.ready.steps.map(({ name }) => name)).toEqual(["postgres", "store", "notes", "demo", "gateway"]);
    expect(mode(keyFile())).toBe(0o600);
    expect(mode(join(project.folder, ".banyan/server.json"))).toBe(0o600);
    const key = readFileSync(keyFile(), "utf8").trim();
    expect(server.ready.apiKey).toBe(key);
    const response = await fetch(`${server.ready.url}/v1/notes/hello`, { headers: { authorization: `Bearer ${key}` } });
    expect(await response.json()).toEqual({ id: 1 });
    expect(await server.stop()).toBe(0);
    expect(existsSync(join(project.folder, ".banyan/server.json"))).toBe(false);
  });

  test("shows the key once and seeds once", async () => {
    const first = await project.start();
    await first.stop();
    const second = await project.start();
    expect(first.ready.apiKey).toMatch(/^bk_dev_/);
    expect(second.ready.apiKey).toBeUndefined();
    expect(second.ready.steps.map(({ name }) => name)).not.toContain("demo");
    expect(await second.stop("SIGINT")).toBe(0);
  });

  test("takes the key from BANYAN_API_KEY and writes it nowhere", async () => {
    const key = "a-key-of-the-environment";
    const server = await project.start({ BANYAN_API_KEY: key });
    expect(existsSync(keyFile())).toBe(false);
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(`${server.ready.url}/v1/tally`, { headers })).status).toBe(200);
    expect((await fetch(`${server.ready.url}/v1/tally`)).status).toBe(401);
    await server.stop();
  });

  test("says so when the port is taken, and takes the next free one", async () => {
    const other = await occupyPort();
    const server = await project.start({ PORT: String(other.port) });
    other.close();
    expect(Number(new URL(server.ready.url).port)).toBeGreaterThan(other.port);
    expect(server.ready.notes.join()).toContain(`Port ${other.port} is taken`);
    await server.stop();
  });

  test("starts again after kill -9 with what was committed", async () => {
    const first = await project.start();
    expect((await project.run("call", "notes.write", '{"text":"kept"}')).code).toBe(0);
    await first.stop("SIGKILL");
    const second = await project.start();
    const { stdout } = await project.run("call", "notes.find", '{"text":"kept"}', "--json");
    expect(JSON.parse(stdout)).toEqual({ id: expect.any(Number) });
    expect(await second.stop()).toBe(0);
  });

  test("works on the database of DATABASE_URL and starts none", async () => {
    const database = await startEmbeddedPostgres({ dataFolder: join(project.folder, "elsewhere") });
    try {
      const server = await project.start({ DATABASE_URL: database.url });
      expect(existsSync(join(project.folder, ".banyan/postgres"))).toBe(false);
      const { rows } = JSON.parse((await project.run("sql", "SELECT text FROM notes.note", "--json")).stdout);
      expect(rows).toEqual([{ text: "hello" }]);
      const beside = await project.start({ DATABASE_URL: database.url });
      expect(beside.ready.notes.join()).toContain("runs on this data folder; they share the database.");
      await beside.stop();
      const apart = await project.start();
      expect(apart.ready.notes.join()).toContain("runs on this data folder; on another database.");
      await apart.stop();
      await project.run("sql", "CREATE ROLE guest LOGIN PASSWORD 'guest'");
      const asGuest = Object.assign(new URL(database.url), { username: "guest", password: "guest" });
      const refused = project.start({ DATABASE_URL: asGuest.href });
      await expect(refused).rejects.toThrow(/did not start: permission denied for \w+ \w+ \(SQLSTATE 42501\)"/);
      expect(await server.stop()).toBe(0);
    } finally {
      await database.stop();
    }
  });

  test("a stop lets what is in flight finish, and its echo through npm is no second one", async () => {
    const server = await project.start();
    const answer = fetch(`${server.ready.url}/v1/ponder/1000`);
    await expect.poll(() => inFlight(server.ready.url)).toBe(2);
    const stopped = server.stop("SIGINT");
    server.child.kill("SIGINT");
    expect(await (await answer).json()).toEqual({ pondered: true });
    expect(await stopped).toBe(0);
  });

  test("Ctrl-C stops it, and it says so, where the one who started it has a channel to it", async () => {
    const server = await project.start({}, [], "ipc");
    const said = text(server.child.stderr!);
    expect(await server.stop("SIGINT")).toBe(0);
    expect(await said).toContain("Stopping (SIGINT)");
  });

  test("stops in peace when nobody reads what it says any more", async () => {
    const server = await project.start();
    server.child.stderr!.destroy();
    server.child.stdout!.destroy();
    expect(await server.stop("SIGHUP")).toBe(0);
  });

  test("a second Ctrl-C cuts", async () => {
    const server = await project.start();
    const answer = fetch(`${server.ready.url}/v1/ponder/10000`).catch(() => "cut");
    await expect.poll(() => inFlight(server.ready.url)).toBe(2);
    const stopped = server.stop("SIGINT");
    // Later than an echo through npm would come.
    await setTimeout(700);
    server.child.kill("SIGINT");
    expect(await answer).toBe("cut");
    expect(await stopped).toBe(1);
  });

  test("a second server on the same data folder shares the database", async () => {
    const first = await project.start();
    const second = await project.start();
    expect(second.ready.notes.join("\n")).toContain(`pid ${first.ready.pid}`);
    expect(await first.stop()).toBe(0);
    const key = readFileSync(keyFile(), "utf8").trim();
    const response = await fetch(`${second.ready.url}/v1/notes/hello`, { headers: { authorization: `Bearer ${key}` } });
    expect(response.status).toBe(200);
    expect(await second.stop()).toBe(0);
  });
});

describe("what is wrong is said before anything starts", () => {
  test("an unknown configuration key", async () => {
    writeFileSync(join(project.folder, "banyan.config.ts"), "export default { services: [], sevices: 1 };\n");
    const { code, stderr } = await project.run("start");
    expect(code).toBe(2);
    expect(stderr).toContain("sevices");
    expect((await project.run("sql")).stderr).toContain("No server runs");
  });

  test("a contract that no gateway can serve, in a line", async () => {
    const unserved = createTestProject(new URL("./notes/unserved.config.ts", import.meta.url));
    onTestFinished(() => unserved.remove());
    const { code, stderr } = await unserved.run("start");
    expect(code).toBe(2);
    expect(stderr).toContain('desk.ask has the http route "GET ask"; write it as "POST /v1/things/:thing/close"\n');
    expect(stderr).not.toContain("    at ");
  });

  test.each(["http", "70000", "1.5"])("a PORT that is %s", async (PORT) => {
    await expect(project.start({ PORT })).rejects.toThrow(/PORT is wrong: must be a whole number from 0 to 65535/);
  });
});
