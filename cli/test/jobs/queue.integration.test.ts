import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { removeKeys } from "../../../tools/remove-keys.ts";
import { createTestProject } from "../../../tools/test-project.ts";
import { describeWithServer } from "../../../tools/test-server.ts";

describeWithServer("redis", "BANYAN_QUEUE", (BANYAN_QUEUE) => {
  test("lets BullMQ hand out the jobs of a project, whose pause, death and retry stay the same", {
    timeout: 60_000,
  }, async () => {
    const project = createTestProject(new URL("../notes/banyan.config.ts", import.meta.url));
    const BANYAN_NAMESPACE = `test-${randomUUID()}`;
    onTestFinished(async () => {
      await project.remove();
      await removeKeys(BANYAN_QUEUE, BANYAN_NAMESPACE);
    });
    await project.start({ BANYAN_QUEUE, BANYAN_NAMESPACE });
    const jobs = async () => JSON.parse((await project.run("jobs", "--json")).stdout);
    await project.run("jobs", "pause", "notes.proofread");
    await project.run("call", "notes.submit", '{"text":"hello"}');
    expect(await jobs()).toMatchObject([{ type: "notes.proofread", state: "paused" }]);
    await project.run("jobs", "resume", "notes.proofread");
    await expect.poll(jobs, { timeout: 10_000 }).toMatchObject([{ state: "dead", error: 'Error: "hello" is sealed' }]);
    const [{ id }] = await jobs();
    await project.run("call", "notes.unseal", '{"text":"hello"}');
    await project.run("jobs", "retry", id);
    await expect.poll(jobs, { timeout: 10_000 }).toEqual([]);
  });
});
