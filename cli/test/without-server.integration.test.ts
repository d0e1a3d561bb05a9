import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestProject, type TestProject } from "../../tools/test-project.ts";

let project: TestProject;
beforeAll(() => {
  project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
});
afterAll(() => project.remove());

test("call and tail say how to start one", async () => {
  for (const args of [["call", "notes.tally"], ["tail"]]) {
    const { code, stderr } = await project.run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain("npm start");
  }
});

test("a wrong command line is told as text or, with --json, as JSON", async () => {
  const asText = await project.run("serivces");
  expect(asText.code).toBe(2);
  expect(asText.stderr).toContain("Did you mean services?");
  const asJson = await project.run("serivces", "--json");
  expect(asJson.code).toBe(2);
  expect(JSON.parse(asJson.stderr)).toEqual({
    error: { message: expect.stringContaining("serivces"), advice: expect.stringContaining("--help") },
  });
});

test("prepare starts nothing, and leaves no data", async () => {
  const { code, stdout } = await project.run("prepare", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ prepared: true });
  expect(existsSync(join(project.folder, ".banyan/postgres/cluster"))).toBe(false);
});

test("top refuses what is no number, before it looks for a server", async () => {
  const { code, stderr } = await project.run("top", "--every", "often");
  expect([code, stderr]).toEqual([2, expect.stringContaining('"often" is no number of seconds.')]);
  expect((await project.run("top", "--count", "0")).code).toBe(2);
});

test("services needs none", async () => {
  expect((await project.run("services")).stdout).toContain("POST /v1/notes");
});

test("import and verify start the services for as long as they take", async () => {
  const file = join(project.folder, "notes.txt");
  writeFileSync(file, "one\ntwo");
  const imported = await project.run("import", "lines", file, "--json");
  expect(JSON.parse(imported.stdout)).toMatchObject({ received: 2, accepted: 2 });
  const again = await project.run("import", "lines", file, "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ received: 2, duplicate: 2 });
  expect((await project.run("verify")).code).toBe(0);
});

test("reset asks, and with --yes empties the data folder", async () => {
  const unasked = await project.run("reset");
  expect(unasked.code).toBe(2);
  expect(existsSync(join(project.folder, ".banyan/postgres"))).toBe(true);
  expect((await project.run("reset", "--yes")).code).toBe(0);
  expect(readdirSync(join(project.folder, ".banyan"))).toEqual([]);
});

test.each([
  ["DATABASE_URL", "postgres://me:s3c#ret@host/shop"],
  ["BANYAN_LOG", "nats://me:s3cret@host:99999"],
  ["BANYAN_LOG", "postgres://me:s3cret@host:99999/shop"],
  ["BANYAN_QUEUE", "redis://:s3cret@host:99999"],
  ["BANYAN_LISTEN", "host"],
])("%s=%s is refused in a line that names it and keeps the password to itself", async (name, value) => {
  const failure: Error = await project.start({ [name]: value }).catch((error) => error);
  expect(failure.message).toContain(`"message":"The environment variable ${name} is wrong: `);
  expect(failure.message).not.toMatch(/s3c|node_modules/);
});

test("a node on a bus whose address is none says so", async () => {
  const started = project.start({ BANYAN_BUS: "tcp://host" }, ["--process", "notes"]);
  await expect(started).rejects.toThrow(/BANYAN_BUS is wrong: .+host.+ is no address/);
});

test("what is not there is named, and nobody is told to empty the data folder", async () => {
  const nowhere = "127.0.0.1:1";
  for (const environment of [{ BANYAN_BUS: `redis://${nowhere}` }, { DATABASE_URL: `postgres://${nowhere}/shop` }]) {
    const args = "BANYAN_BUS" in environment ? ["--process", "notes"] : [];
    const failure: Error = await project.start(environment, args).catch((error) => error);
    expect(failure.message).toContain(`${Object.keys(environment)[0]} names it`);
    expect(failure.message).not.toContain("reset");
  }
});

test("an address that is not this machine's is named, whatever the port", async () => {
  await expect(project.start({ HOST: "192.0.2.1" })).rejects.toThrow("Set HOST to an address of this machine");
});

test("a wrong command line is exit code 2 with a way out", async () => {
  const unknown = await project.run("strat");
  expect({ code: unknown.code, hint: unknown.stderr.includes("start") }).toEqual({ code: 2, hint: true });
  expect((await project.run("import", "nothing", "x")).stderr).toContain("lines");
  expect((await project.run("call", "notes.find", "{")).code).toBe(2);
});

test.each(["start", "call", "tail", "services", "import", "rebuild", "verify", "bench", "doctor", "reset"])(
  "%s --help has examples and --json",
  async (command) => {
    const { code, stdout } = await project.run(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("--json");
  },
);
