import { tmpdir } from "node:os";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { TestNode } from "../../../tools/test-bus-node.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createRedisBus } from "../src/index.ts";

const users = [
  ["--user", "default", "off"],
  ["--user", "ledger", "on", ">p@ss/word", "&banyan:*", "+@all"],
  ["--user", "deaf", "on", ">deaf", "&other:*", "+@all"],
].flat();

describeWithOwnServer("redis", "who may take part in the bus over Redis", (program) => {
  let server: OwnServer;
  beforeAll(async () => {
    const args = ["--bind", "127.0.0.1", "--save", "", "--dir", tmpdir()];
    server = await OwnServer.start(program, (port) => [...args, "--port", String(port), ...users]);
  });
  afterAll(() => server.kill());

  const open = (user: string) => TestNode.open(createRedisBus({ url: `redis://${user}@127.0.0.1:${server.port}` }));

  test("a user with the right password takes part", async () => {
    const [a, b] = [await open("ledger:p%40ss%2Fword"), await open("ledger:p%40ss%2Fword")];
    expect(await a.send(b.ref, "hello")).toBe("sent");
    await Promise.all([a, b].map(({ bus }) => bus.close({ deadlineMs: 1_000 })));
  });

  test.for([
    ["a wrong password", "ledger:wrong"],
    ["a user who may not hear", "deaf:deaf"],
  ] as const)("%s is refused", async ([, user]) => {
    const error = await open(user).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "bus.unavailable" });
    expect(inspect(error, { depth: 10 })).not.toContain(user.split(":")[1]);
  });

  test("what is no address is refused, without showing its password", () => {
    expect(() => createRedisBus({ url: "http://user:secret@localhost" })).toThrow(/"http:\/\/\*\*\*@localhost" is no/);
  });
});
