import { spawn } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { Supervisor } from "../src/topology/supervisor.ts";

/** Real processes of one line each. They say that they are ready, and end when they are told to. */
const serving = "process.send({ ready: { pid: process.pid } }); setInterval(() => {}, 1000);";
const programs: Record<string, string> = {
  serving,
  stubborn: `process.on("SIGTERM", () => {}); ${serving}`,
  broken: "process.exit(3)",
  brief: `${serving} setTimeout(() => process.exit(7), 50)`,
};
const trouble: string[] = [];
let supervisor: Supervisor;

function supervise(program: string): Supervisor {
  trouble.length = 0;
  supervisor = new Supervisor({
    launch: () =>
      spawn(process.execPath, ["-e", programs[program] ?? ""], { stdio: ["ignore", "ignore", "ignore", "ipc"] }),
    onTrouble: (line) => trouble.push(line),
    signal: new AbortController().signal,
  });
  return supervisor;
}
const one = () => supervisor.members[0];
afterEach(async () => {
  for (const { node } of supervisor.members) {
    supervisor.signal(node, "SIGKILL");
    await supervisor.stop(node);
  }
});

test("a member that was ready is started again when it is killed, under the same name", async () => {
  const { pid } = await supervise("serving").start({ node: "a-1", process: "a" });
  supervisor.signal("a-1", "SIGKILL");
  await expect.poll(() => one()?.restartCount).toBe(1);
  await expect.poll(() => one()?.state).toBe("ready");
  expect(one()).toMatchObject({ node: "a-1", process: "a", ready: { pid: one()?.pid } });
  expect(one()?.pid).not.toBe(pid);
  expect(trouble).toEqual(["a-1 ended (SIGKILL); it is started again."]);
});

test("one that ends before it was ever ready fails its start, and is not tried again", async () => {
  await expect(supervise("broken").start({ node: "a-1", process: "a" })).rejects.toThrow(
    "a-1 ended before it was ready (exit code 3)",
  );
  expect(supervisor.members).toEqual([]);
});

test("one that keeps ending is started again and again", async () => {
  await supervise("brief").start({ node: "a-1", process: "a" });
  await expect.poll(() => one()?.restartCount, { timeout: 20_000 }).toBe(3);
});

test("a stop ends it in peace, and it is not started again", async () => {
  await supervise("serving").start({ node: "a-1", process: "a" });
  const pid = one()?.pid as number;
  await supervisor.stop("a-1");
  expect(supervisor.members).toEqual([]);
  expect(() => process.kill(pid, 0)).toThrow();
  expect(trouble).toEqual([]);
});

test("one that is paused says so, and one that is paused can be stopped", async () => {
  await supervise("serving").start({ node: "a-1", process: "a" });
  expect(supervisor.signal("a-1", "SIGSTOP")).toBe(true);
  expect(one()?.state).toBe("paused");
  supervisor.signal("a-1", "SIGCONT");
  expect(one()?.state).toBe("ready");
  supervisor.signal("a-1", "SIGSTOP");
  await supervisor.stop("a-1");
  expect(supervisor.members).toEqual([]);
  expect(supervisor.signal("a-1", "SIGKILL")).toBe(false);
});

test("one that does not hear is cut after 9 s", async () => {
  await supervise("stubborn").start({ node: "a-1", process: "a" });
  const startedAt = performance.now();
  await supervisor.stop("a-1");
  expect(performance.now() - startedAt).toBeGreaterThan(8_500);
});
