import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestProject, occupyPort, type RunningServer, type TestProject } from "../../tools/test-project.ts";

let project: TestProject;
let server: RunningServer;
let acquirerPort: number;
beforeAll(async () => {
  const config = new URL("../../banyan.config.ts", import.meta.url);
  project = createTestProject(config);
  // Where nobody listens yet: the demo starts an acquirer, and must not meet one of this machine.
  const { port, close } = await occupyPort();
  close();
  acquirerPort = port;
  const lines = [
    `process.env.ACQUIRER_URL = "http://127.0.0.1:${port}";`,
    `export default (await import(${JSON.stringify(config.href)})).default;`,
  ];
  writeFileSync(join(project.folder, "banyan.config.ts"), lines.join("\n"));
  server = await project.start();
});
afterAll(() => project.remove());

const json = async (...args: string[]) => {
  const { stdout, stderr } = await project.run(...args, "--json");
  if (stdout === "") throw new Error(`banyan ${args.join(" ")} printed nothing but: ${stderr}`);
  return JSON.parse(stdout);
};

const berka = `"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"
1;25;930701;"PRIJEM";"VKLAD";700.00;700.00;"";"";""
2;25;930702;"VYDAJ";"VYBER";200.50;499.50;"";"";""
3;25;930703;"PRIJEM";"VKLAD";1.00;501.50;"";"";""
4;25;930704;"PRIJEM";"VKLAD";-1.00;499.50;"";"";""
`;

test("the merchant's day is there: books that hold, and a statement that ties and reconciles", async () => {
  const key = readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${server.ready.url}/v1/accounts/merchants:acme:settlement`, { headers });
  expect(await response.json()).toMatchObject({ balanceMinor: 0, currency: "EUR" });
  const { statements } = await json("call", "statements.list");
  expect(statements).toMatchObject([{ ties: true, breakMinor: 0 }]);
  const run = await expect.poll(() => json("call", "reconciliation.run"), { timeout: 20_000 });
  await run.toMatchObject({ openCount: 0 });
  const { batches } = await json("call", "payouts.batches");
  expect(batches).toMatchObject([{ status: "sent", createdBy: "system", approvedBy: "treasurer" }]);
  expect((await json("verify")).ok).toBe(true);
});

test("the demo shows a merchant from order to payout on the running application, again and again", async () => {
  const { stdout, code } = await project.run("demo", "neopay");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^otto {8}approves it, which opens its accounts$/m);
  const { demo, steps } = await json("demo", "neopay");
  expect(demo).toBe("neopay");
  const factsOf = (did: RegExp) => steps.find((step: { did: string }) => did.test(step.did))?.facts;
  expect(factsOf(/^ships/)).toEqual({ status: "succeeded" });
  expect(Object.values(factsOf(/^splits/))).toEqual(["48.45 EUR", "1.45 EUR"]);
  expect(factsOf(/^tries to approve/)).toEqual({ answer: "payouts.approverIsCreator" });
  expect(factsOf(/^pays the merchant 48.45 EUR/)).toEqual({ status: "sent" });
  expect(factsOf(/^agree/)).toEqual({ matched: 2, open: 0, difference: "0.00 EUR" });
  const batch = await json("call", "payouts.batch", JSON.stringify({ id: factsOf(/^makes a batch/).batch }));
  expect(batch).toMatchObject({ createdBy: "mia", approvedBy: "otto" });
});

test("the demo says in a line who is where its acquirer should be", async () => {
  const other = createServer((_, response) => response.writeHead(404).end()).listen(acquirerPort, "127.0.0.1");
  const { code, stderr } = await project.run("demo", "neopay");
  other.close();
  expect(code).toBe(1);
  expect(stderr).toContain(`http://127.0.0.1:${acquirerPort} is another program's`);
  expect(stderr).not.toContain("    at ");
});

test("demo lists what there is, and names what there is not", async () => {
  expect(await json("demo")).toEqual([{ name: "neopay", summary: "A merchant's day, from order to payout" }]);
  expect(await project.run("demo", "neopy")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("There is no demo neopy."),
  });
  const { stdout } = await project.run("demo", "--help");
  expect(stdout).toContain("banyan demo neopay --json");
});

test("a bank's file is imported once, and what is wrong in it is named", async () => {
  const file = join(project.folder, "a bank's year.csv");
  writeFileSync(file, berka);
  const first = await json("import", "berka", file);
  expect(first).toMatchObject({ received: 4, accepted: 3, duplicate: 0, refused: 1 });
  expect(Object.keys(first.reasons)[0]).toContain("line 5");
  expect(first.breaks).toMatchObject([
    { kind: "balanceDrift", account: "berka:25", day: "1993-07-03", driftMinor: 1_00 },
  ]);
  expect(await json("import", "berka", file)).toMatchObject({ received: 4, accepted: 0, duplicate: 3, refused: 1 });
  const balance = await json("call", "ledger.balance", '{"address":"berka:25","at":"1993-07-02"}');
  expect(balance).toMatchObject({ balanceMinor: 499_50 });
});

test("an import goes on where kill -9 has stopped the server", async () => {
  await server.stop("SIGKILL");
  const file = join(project.folder, "more.csv");
  writeFileSync(file, `${berka.split("\n")[0]}\n7;26;930701;"PRIJEM";"VKLAD";10.00;10.00;"";"";""\n`);
  expect(await json("import", "berka", file)).toMatchObject({ received: 1, accepted: 1 });
  server = await project.start();
  expect(await json("call", "ledger.balance", '{"address":"berka:26"}')).toMatchObject({ balanceMinor: 10_00 });
});

test("an import waits for a server that was killed and comes back", async () => {
  const { port } = new URL(server.ready.url);
  await server.stop("SIGKILL");
  const file = join(project.folder, "later.csv");
  writeFileSync(file, `${berka.split("\n")[0]}\n8;27;930701;"PRIJEM";"VKLAD";10.00;10.00;"";"";""\n`);
  const key = readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();
  const run = project.launch("import", "berka", file, "--url", `http://127.0.0.1:${port}`, "--key", key, "--json");
  await run.stderrLine(/waiting for it to come back/);
  server = await project.start({ PORT: port });
  expect(JSON.parse(await run.stdoutLine())).toMatchObject({ received: 1, accepted: 1 });
  expect(await run.exitCode).toBe(0);
});

test("an import that is stopped says how far it came, and goes on when it is run again", async () => {
  const { port } = new URL(server.ready.url);
  const file = join(project.folder, "stopped.csv");
  const row = (id: number) => `${id};28;930701;"PRIJEM";"VKLAD";10.00;${10 * (id - 9)}.00;"";"";""`;
  writeFileSync(file, [berka.split("\n")[0], row(10), row(11), ""].join("\n"));
  await server.stop("SIGKILL");
  const run = project.launch("import", "berka", file, "--url", `http://127.0.0.1:${port}`, "--key", "any");
  await run.stderrLine(/waiting for it to come back/);
  run.child.kill("SIGINT");
  expect(await run.stderrLine(/stopped/)).toBe("The import was stopped when it had read 100 %.");
  expect(await run.stderrLine(/again/)).toContain("Run the same command again");
  expect(await run.exitCode).toBe(130);
  server = await project.start();
  expect(await json("import", "berka", file)).toMatchObject({ received: 2, accepted: 2 });
});

test("a command that is stopped while it starts the services says so in a line", async () => {
  await server.stop("SIGTERM");
  const run = project.launch("verify");
  await run.stderrLine(/No server runs here/);
  run.child.kill("SIGINT");
  expect(await run.stderrLine(/Stopped|Error/)).toBe("Stopped (SIGINT) before it was done.");
  expect(await run.exitCode).toBe(130);
  server = await project.start();
});

test("one edited row is named by its seq", async () => {
  const { rows } = await json(
    "sql",
    "UPDATE ledger.posting SET amount_minor = amount_minor + 1 WHERE leg = 1 AND seq = 2 RETURNING seq",
  );
  expect(rows).toEqual([{ seq: 2 }]);
  const { code, stdout } = await project.run("verify", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(stdout).checks[0].result).toMatchObject({ ok: false, firstBrokenSeq: 2 });
});
