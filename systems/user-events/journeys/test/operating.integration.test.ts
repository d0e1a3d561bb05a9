import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../tools/test-postgres.ts";
import { createTestProject, type RunningServer, type TestProject } from "../../../../tools/test-project.ts";

const clicks = fileURLToPath(new URL("../../../../../shared/data/user-events/usagov-clicks.ndjson", import.meta.url));

let database: TestDatabase;
let project: TestProject;
let server: RunningServer;
beforeAll(async () => {
  database = await createTestDatabase(inject("postgresUrl"));
  project = createTestProject(new URL("../../app/banyan.config.ts", import.meta.url));
  server = await project.start({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await project?.remove();
  await database?.drop();
});

const json = async (...args: string[]) => {
  const { stdout, stderr } = await project.run(...args, "--json");
  if (stdout === "") throw new Error(`banyan ${args.join(" ")} printed nothing but: ${stderr}`);
  return JSON.parse(stdout);
};
const key = () => readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();

test.skipIf(!existsSync(clicks))(
  "a file goes into the running server, by its socket and by its address, with a report of every line (skipped where shared/data is absent)",
  async () => {
    const first = await json("import", "events", clicks);
    expect(first).toEqual({
      received: 3_560,
      accepted: 3_440,
      duplicate: 0,
      refused: 120,
      reasons: { unknownShape: 120 },
    });
    const again = await json("import", "events", clicks, "--url", server.ready.url, "--key", key());
    expect(again).toMatchObject({ received: 3_560, accepted: 0, duplicate: 3_560, refused: 0 });
    const totals = { received: 7_120, stored: 3_440, duplicate: 3_560, bad: 120, inFlight: 0 };
    expect(await json("events", "totals")).toEqual(totals);
    expect(await json("events", "lag")).toMatchObject({ lag: 0 });
    const metrics = await (await fetch(`${server.ready.url}/metrics`)).text();
    for (const line of ["received 7120", "stored 3440", "duplicate 3560", "bad 120", "in_flight 0"]) {
      expect(metrics).toContain(`\nevents_totals_${line}\n`);
    }
    expect(await json("verify")).toMatchObject({ ok: true });
  },
  60_000,
);

test("a file with odd bytes goes in by the server's address: each line has its outcome, and none stops it", async () => {
  const odd = (properties: string) => `{"type":"track","event":"Odd","userId":"ann","properties":${properties}}`;
  const lines = [
    '192.0.2.7 - - [10/Oct/2020:13:55:36 -0700] "GET /caf\xe9 HTTP/1.1" 200 12 "-" "M\xfcller"',
    '192.0.2.7 - - [10/Oct/2020:13:55:37 -0700] "\\x16\\x03" 400 226 "-" "-"',
    "\0\x01\xff",
    odd('{"text":"\\u0000"}'),
    odd('{"bytes":"\0"}'),
    odd('{"id":12345678901234567890}'),
    odd('{"__proto__":1,"constructor":{"prototype":1}}'),
    odd('{"constructor":{"prototype":1}}'),
    odd(`${'{"in":'.repeat(40)}1${"}".repeat(40)}`),
    "[".repeat(30_000) + "]".repeat(30_000),
    odd("{}"),
  ];
  const file = join(project.folder, "odd.ndjson");
  writeFileSync(file, Buffer.from(lines.join("\r\n"), "latin1"));
  expect(await json("import", "events", file, "--url", server.ready.url, "--key", key())).toEqual({
    received: 11,
    accepted: 4,
    duplicate: 0,
    refused: 7,
    reasons: { unreadable: 1, notStorable: 4, tooDeep: 2 },
  });
}, 60_000);

test("tail shows what comes in while it comes in, and bad-rows what was refused", async () => {
  const tail = project.launch("events", "tail", "--source", "import", "--json");
  const file = join(project.folder, "lines.ndjson");
  const shown: Record<string, unknown>[] = [];
  const read = (async () => {
    while (shown.length < 2) shown.push(JSON.parse(await tail.stdoutLine()));
  })();
  for (let at = 0; shown.length < 2; at++) {
    // Until the other process looks, nothing tells that it does.
    writeFileSync(
      file,
      `{"type":"track","event":"Tailed","userId":"ann","messageId":"tailed-${at}"}\nnonsense ${at}\n`,
    );
    expect(await json("import", "events", file)).toMatchObject({ received: 2, accepted: 1, refused: 1 });
  }
  await read;
  tail.child.kill("SIGINT");
  await tail.exitCode;
  expect(shown.map(({ outcome }) => outcome).sort()).toEqual(["bad", "stored"]);
  const { badRows } = await json("events", "bad-rows", "--reason", "unreadable", "--limit", "1");
  expect(badRows).toMatchObject([{ source: "import", state: "dead" }]);
  expect(await json("events", "redrive", badRows[0].id)).toMatchObject({ outcome: "bad" });
}, 60_000);

test("every command explains itself with examples, and a wrong word is a wrong command line", async () => {
  for (const name of ["tail", "lag", "totals", "bad-rows", "redrive", "replay"]) {
    const { code, stdout } = await project.run("events", name, "--help");
    expect([code, stdout]).toEqual([0, expect.stringContaining(`Examples:\n  banyan events ${name}`)]);
  }
  expect((await project.run("events", "replay", "nobody")).stderr).toContain("there is no destination nobody");
  expect((await project.run("import", "events", project.folder)).stderr).toContain(`${project.folder} is a folder.`);
  expect((await project.run("events", "tale")).code).toBe(2);
  expect((await project.run("evens", "tail")).code).toBe(2);
  expect((await project.run("events", "bad-rows", "--state", "lost")).code).toBe(1);
});
