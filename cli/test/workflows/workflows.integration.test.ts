import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestProject, type TestProject } from "../../../tools/test-project.ts";

let project: TestProject;
beforeAll(async () => {
  project = createTestProject(new URL("./banyan.config.ts", import.meta.url));
  await project.start();
});
afterAll(() => project.remove());

const patience = { timeout: 10_000 };
const json = async (...args: string[]) => {
  const { stdout, stderr } = await project.run(...args, "--json");
  if (stdout === "") throw new Error(`banyan ${args.join(" ")} printed nothing but: ${stderr}`);
  return JSON.parse(stdout);
};
const listed = (state: string) => json("workflows", "list", "--state", state);
const apply = async (name: string): Promise<string> => (await json("call", "desk.apply", JSON.stringify({ name }))).run;

test("workflows lists runs, shows what one waits for, and tells it something", async () => {
  expect((await project.run("workflows")).stdout).toContain("There are no such runs.");
  expect((await project.run("workflows", "--limit", "none")).stderr).toContain("--limit takes a whole number");
  expect((await project.run("services", "workflows")).stdout).toMatch(/workflows {2}started[\s\S]*workflows\.find/);
  const run = await apply("whole");
  await expect.poll(() => listed("waiting"), patience).toMatchObject([{ id: run, type: "desk.decide", version: 1 }]);
  expect((await project.run("workflows")).stdout).toMatch(new RegExp(`${run} +desk.decide +waiting .*hears something`));
  expect((await project.run("workflows", "show", run)).stdout).toMatch(
    /file +run +done[\s\S]*decision +wait +waits to hear/,
  );
  const mistaken = await project.run("workflows", "signal", run, "decidd", "--data", '{"yes":true}');
  expect(mistaken).toMatchObject({ code: 1, stderr: expect.stringContaining("decided") });
  const unfit = await project.run("workflows", "signal", run, "decided", "--data", '{"yes":1}');
  expect(unfit).toMatchObject({ code: 1, stderr: expect.stringContaining("yes") });
  expect((await project.run("workflows", "signal", run, "decided", "--data", "yes")).code).toBe(2);
  expect(await json("workflows", "signal", run, "decided", "--data", '{"yes":true}')).toMatchObject({ sent: true });
  await expect.poll(() => listed("done"), patience).toMatchObject([{ id: run }]);
  expect(await json("workflows", "show", run)).toMatchObject({ id: run, outcome: { result: '{"said":"yes"}' } });
});

test("a run that is stuck says why, goes on when it is retried, and is cancelled", async () => {
  const run = await apply("torn");
  await expect.poll(() => listed("stuck"), patience).toMatchObject([{ id: run }]);
  expect((await project.run("workflows", "--state", "stuck")).stdout).toContain('the step "file" is named twice');
  expect((await project.run("workflows", "retry", run, "--from", "nothing")).code).toBe(1);
  await project.run("call", "desk.mend", "{}");
  expect(await json("workflows", "retry", run, "--from", "file")).toEqual({ id: run, retried: true });
  await expect.poll(() => listed("waiting"), patience).toMatchObject([{ id: run }]);
  expect(await json("workflows", "cancel", run)).toEqual({ id: run, cancelled: true });
  await expect
    .poll(() => listed("failed"), patience)
    .toMatchObject([{ id: run, fault: { code: "kernel.runCancelled" } }]);
  const gone = await project.run("workflows", "cancel", run);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining(run) });
  expect((await project.run("workflows", "show", "none")).stderr).toContain("There is no run none");
});
