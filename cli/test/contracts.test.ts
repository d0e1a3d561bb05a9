import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContractChange } from "@banyan/kernel/versions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestProject, type TestProject } from "../../tools/test-project.ts";

interface Snapshot {
  services: { notes: { commands: Record<string, { input: { properties: object; required: string[] } }> } };
}
let project: TestProject;
let snapshot: string;
beforeAll(async () => {
  project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  snapshot = (await project.run("contracts", "snapshot")).stdout;
  write("contracts.json", JSON.parse(snapshot));
});
afterAll(() => project.remove());

const write = (name: string, content: unknown) => writeFileSync(join(project.folder, name), JSON.stringify(content));
/** A version in which a note had an author. */
const withAuthor = (): Snapshot => {
  const other = JSON.parse(snapshot) as Snapshot;
  const { input } = other.services.notes.commands.write as Snapshot["services"]["notes"]["commands"][string];
  Object.assign(input.properties, { author: { type: "string" } });
  return other;
};

test("a snapshot is the same text each time, and nothing of it has changed", async () => {
  expect((await project.run("contracts", "snapshot")).stdout).toBe(snapshot);
  const names = Object.keys(JSON.parse(snapshot).services.notes.commands);
  expect(names).toEqual([...names].sort());
  const { code, stdout } = await project.run("contracts", "diff", "contracts.json");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "Nothing breaks; 0 compatible changes.\n" });
});

test("a change that breaks is named with who it breaks, and exits 1; one that does not exits 0", async () => {
  write("author.json", withAuthor());
  const broken = await project.run("contracts", "diff", "author.json");
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(
    /BREAKING\n {2}notes.write +command +input.author is not there any more +for callers\n/,
  );
  expect(broken.stdout).toContain("1 breaking change, 0 compatible changes.");
  const fine = await project.run("contracts", "diff", "contracts.json", "author.json", "--json");
  expect(fine.code).toBe(0);
  const change: ContractChange = {
    contract: "notes",
    member: "write",
    kind: "command",
    field: "input",
    problem: "is another, and fits",
    breaks: [],
  };
  expect(JSON.parse(fine.stdout)).toEqual({ compatible: true, changes: [change] });
});

test("a version comes by standard input too, as from git", async () => {
  const { child, exitCode } = project.launch("contracts", "diff", "-", "contracts.json", "--json");
  child.stdin?.end(JSON.stringify(withAuthor()));
  expect(await exitCode).toBe(1);
});

test("what is no snapshot is a wrong command line", async () => {
  write("other.json", { snapshot: 2, services: {} });
  for (const [file, why] of [
    ["missing.json", "cannot be read"],
    ["banyan.config.ts", "cannot be read"],
    ["other.json", "is no snapshot of contracts: snapshot:"],
  ] as const) {
    const { code, stdout, stderr } = await project.run("contracts", "diff", file);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(why);
  }
});

test("the documents of routes and events are printed without a server", async () => {
  const [openapi, asyncapi] = await Promise.all(
    ["openapi", "asyncapi"].map(async (name) => JSON.parse((await project.run("contracts", name)).stdout)),
  );
  expect(Object.keys(openapi.paths)).toContain("/v1/notes");
  expect(Object.keys(asyncapi.operations)).toEqual([
    "notes.written.send",
    "notes.taste.receive",
    "notes.letterCount.written.receive",
  ]);
});
