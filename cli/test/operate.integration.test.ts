import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestProject, type RunningServer, type TestProject } from "../../tools/test-project.ts";

let project: TestProject;
let server: RunningServer;
beforeAll(async () => {
  project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  server = await project.start();
});
afterAll(() => project.remove());

const json = async (...args: string[]) => {
  const { stdout, stderr } = await project.run(...args, "--json");
  if (stdout === "") throw new Error(`banyan ${args.join(" ")} printed nothing but: ${stderr}`);
  return JSON.parse(stdout);
};

test("call reaches actions with and without a route", async () => {
  expect(await json("call", "notes.write", '{"text":"by socket"}')).toEqual({ id: expect.any(Number) });
  expect((await project.run("call", "notes.unseal", '{"text":"nothing"}')).code).toBe(0);
});

test("call answers a fault with its code and exit code 1", async () => {
  const { code, stdout, stderr } = await project.run("call", "notes.write", '{"text":"hello"}', "--json");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(JSON.parse(stderr).error).toMatchObject({ code: "notes.taken", details: { text: "hello" } });
});

test("call names the nearest action where there is none", async () => {
  const { code, stderr } = await project.run("call", "notes.wrte", "{}");
  expect(code).toBe(1);
  expect(stderr).toContain("notes.write");
});

test("call --url goes by the route and says which action has none", async () => {
  const key = readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();
  const there = ["--url", server.ready.url, "--key", key];
  expect(await json("call", "notes.find", '{"text":"hello"}', ...there)).toEqual({ id: 1 });
  const refused = await project.run("call", "notes.write", '{"text":"hello"}', ...there);
  expect(refused.stderr).toContain("notes.taken");
  const unreachable = await project.run("call", "notes.unseal", '{"text":"hello"}', ...there);
  expect(unreachable.stderr).toContain("no HTTP route");
});

test("lag names who waits", async () => {
  expect(await json("lag")).toMatchObject({
    unsentCount: expect.any(Number),
    leading: true,
    subscribers: expect.any(Array),
  });
});

test("log republish lets what was delivered be delivered again, since a moment that it understands", async () => {
  await json("call", "notes.write", '{"text":"to be told again"}');
  await expect.poll(async () => (await json("lag")).unsentCount, { timeout: 10_000 }).toBe(0);
  const { since, count } = await json("log", "republish", "--since", "1h");
  expect(Date.now() - Date.parse(since)).toBeGreaterThanOrEqual(3_600_000);
  expect(count).toBeGreaterThan(0);
  await expect.poll(async () => (await json("lag")).unsentCount, { timeout: 10_000 }).toBe(0);
  expect(await json("log", "republish", "--since", "2026-11-21T09:00Z")).toMatchObject({
    since: "2026-11-21T09:00:00.000Z",
  });
});

test.each(["yesterday", "2h30", "-1h", "2026-13-01", "9999-01-01", "2026-11-21T25:00"])(
  "log republish --since %s says what it takes",
  async (since) => {
    const { code, stderr } = await project.run("log", "republish", `--since=${since}`);
    expect(code).toBe(2);
    expect(stderr).toContain("Say how long ago, as 90s, 15m, 2h or 7d");
  },
);

test("an idempotency key takes effect once", async () => {
  const once = () => json("call", "notes.write", '{"text":"once"}', "--idempotency-key", "k1");
  expect(await once()).toEqual(await once());
});

test("tail shows matching calls and events until it is interrupted", async () => {
  const tail = project.launch("tail", "notes.wr*", "--json");
  await tail.stderrLine(/Watching/);
  await project.run("call", "notes.find", '{"text":"unwatched"}');
  await project.run("call", "notes.write", '{"text":"watched"}');
  const seen: string[] = [];
  while (!seen.includes("call notes.write") || !seen.includes("event notes.written")) {
    const { kind, id } = JSON.parse(await tail.stdoutLine());
    seen.push(`${kind} ${id}`);
  }
  expect(seen).not.toContain("call notes.find");
  tail.child.kill("SIGINT");
  expect(await tail.exitCode).toBe(0);
});

test("trace shows a request with what it caused, by its id or the first digits of it", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const key = readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();
  const answer = await fetch(`${server.ready.url}/v1/notes`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      "content-type": "application/json",
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    },
    body: JSON.stringify({ text: "traced" }),
  });
  expect(answer.ok).toBe(true);
  const seen = async () => (await project.run("trace", "4bf92f", "--json")).stdout;
  await expect.poll(seen, { timeout: 10_000 }).toContain("notes.letterCount");
  const kinds = (JSON.parse(await seen()) as { kind: string; id: string; traceId: string }[]).map(
    ({ kind, id, traceId: of }) => `${kind} ${id} ${of === traceId}`,
  );
  expect(kinds).toEqual(expect.arrayContaining(["call notes.write true", "event notes.written true"]));
  const { stdout } = await project.run("trace", traceId);
  expect(stdout).toMatch(/\+ +0 ms {2}call {2}notes\.write/);
  const unknown = await project.run("trace", "ffffffff");
  expect({ code: unknown.code, says: unknown.stderr }).toEqual({ code: 1, says: expect.stringContaining("20,000") });
  expect((await project.run("trace", "xyz")).code).toBe(2);
});

test("services lists actions with route, permission and state", async () => {
  const [service] = await json("services");
  expect(service).toMatchObject({ name: "notes", state: "started", projections: ["notes.letterCount"] });
  expect(service.actions).toContainEqual({
    id: "notes.write",
    kind: "command",
    http: "POST /v1/notes",
    access: "notes:write",
    input: "text",
  });
});

test("rebuild folds every event again", async () => {
  const before = await json("call", "notes.tally");
  expect((await json("rebuild", "notes.letterCount")).foldedCount).toBeGreaterThan(0);
  expect(await json("call", "notes.tally")).toEqual(before);
});

test("a dead letter is listed, redriven when its reason is gone, and gone then", async () => {
  await project.run("call", "notes.write", '{"text":"poison"}');
  await expect.poll(() => json("dead-letters"), { timeout: 10_000 }).toHaveLength(1);
  const [letter] = await json("dead-letters");
  expect(letter).toMatchObject({ subscriber: "notes.taste", attempts: 1 });
  expect((await project.run("dead-letters", "redrive", letter.id)).code).toBe(1);
  await project.run("call", "notes.unseal", '{"text":"poison"}');
  expect((await project.run("dead-letters", "redrive", "--all")).code).toBe(0);
  expect(await json("dead-letters")).toEqual([]);
});

test("jobs are listed by state, a type is paused and resumed, and a dead one runs again when its reason is gone", async () => {
  await project.run("call", "notes.write", '{"text":"draft"}');
  await project.run("jobs", "pause", "notes.proofread");
  const { job } = await json("call", "notes.submit", '{"text":"draft"}');
  expect(await json("jobs")).toMatchObject([{ id: job, type: "notes.proofread", state: "paused", attempts: 0 }]);
  expect(await json("jobs", "resume", "notes.proofread")).toEqual({ type: "notes.proofread", paused: false });
  const dead = () => json("jobs", "--state", "dead", "--type", "notes.proofread");
  await expect.poll(dead, { timeout: 10_000 }).toMatchObject([{ id: job, attempts: 1 }]);
  expect((await project.run("jobs")).stdout).toContain('Error: "draft" is sealed');
  await project.run("call", "notes.unseal", '{"text":"draft"}');
  expect((await project.run("jobs", "retry", job)).code).toBe(0);
  await expect.poll(() => json("jobs"), { timeout: 10_000 }).toEqual([]);
  const gone = await project.run("jobs", "retry", job);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining(`There is no dead job ${job}`) });
  const mistaken = await project.run("jobs", "pause", "notes.profread");
  expect(mistaken).toMatchObject({ code: 1, stderr: expect.stringContaining("notes.proofread") });
});

test("verify is 1 and names the place where something was tampered with", async () => {
  const { code, stdout } = await project.run("verify", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(stdout).checks[0].result.firstBrokenId).toEqual(expect.any(Number));
});

test("import reports what became of each record", async () => {
  const file = join(project.folder, "some notes.txt");
  writeFileSync(file, `hello\nimported\n${"x".repeat(300)}`);
  expect(await json("import", "lines", file)).toEqual({
    received: 3,
    accepted: 1,
    duplicate: 1,
    refused: 1,
    reasons: { "kernel.invalidInput": 1 },
  });
});

test("doctor finds nothing wrong", async () => {
  const { code, stdout } = await project.run("doctor", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  expect(code).toBe(0);
});

test("reset refuses while a server runs", async () => {
  const { code, stderr } = await project.run("reset", "--yes");
  expect(code).toBe(1);
  expect(stderr).toContain(String(server.ready.pid));
});

test("who hears of events is listed, and one that is gone is forgotten, after asking; one that is configured is not", async () => {
  const [own] = await json("subscriptions");
  expect(own).toMatchObject({ service: "notes", types: ["notes.written"] });
  expect((await project.run("subscriptions", "forget", "notes", "--yes")).stderr).toContain(
    "Take its subscriptions out",
  );
  expect((await project.run("subscriptions", "forget", "nobody", "--yes")).code).toBe(1);
  await project.run("sql", "INSERT INTO banyan.subscription VALUES ('notes.written', 'gone')");
  await project.run("call", "notes.write", '{"text":"for one that is gone"}');
  const listed = await project.run("subscriptions");
  expect(listed.stdout).toMatch(/gone +1 +.* not in the configuration +notes.written/);
  const asked = await project.run("subscriptions", "forget", "gone");
  expect({ code: asked.code, stderr: asked.stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--yes"),
  });
  expect(await json("subscriptions", "forget", "gone", "--yes")).toEqual({
    service: "gone",
    forgotten: true,
    droppedCount: 1,
  });
  expect((await json("subscriptions")).map(({ service }: { service: string }) => service)).toEqual(["notes"]);
});
