import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { TestNode } from "../../../tools/test-bus/node.ts";
import { selfSigned } from "../../../tools/test-certificate.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createRedisBus } from "../src/index.ts";

const users = [
  ["--user", "default", "off"],
  ["--user", "ledger", "on", ">p@ss/word", "&banyan:*", "+@all"],
  ["--user", "deaf", "on", ">deaf", "&other:*", "+@all"],
].flat();

describeWithOwnServer("redis", "who may take part in the bus over Redis", (program) => {
  let folder: string;
  let server: OwnServer;
  let ca: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "banyan-redis-access-"));
    const { certFile, keyFile, ...certificate } = selfSigned(folder);
    ca = certificate.ca;
    const files = ["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no"];
    const args = ["--bind", "127.0.0.1", "--save", "", "--dir", folder, "--port", "0", ...files, ...users];
    server = await OwnServer.start(program, (port) => [...args, "--tls-port", String(port)]);
  });
  afterAll(async () => {
    await server.kill();
    rmSync(folder, { recursive: true });
  });

  const open = (user: string, tls?: { ca: string }) => {
    const url = `rediss://${user}@127.0.0.1:${server.port}`;
    return TestNode.open(createRedisBus({ url, ...(tls !== undefined && { tls }) }));
  };

  test("a user with the right password and the server's authority takes part", async () => {
    const [a, b] = [await open("ledger:p%40ss%2Fword", { ca }), await open("ledger:p%40ss%2Fword", { ca })];
    expect(await a.send(b.ref, "hello")).toBe("sent");
    await Promise.all([a, b].map(({ bus }) => bus.close({ deadlineMs: 1_000 })));
  });

  test.for([
    ["a wrong password", "ledger:wrong", true],
    ["a user who may not hear", "deaf:deaf", true],
    ["a server that nobody vouches for", "ledger:p%40ss%2Fword", false],
  ] as const)("%s is refused", async ([, user, isTrusted]) => {
    const error = await open(user, isTrusted ? { ca } : undefined).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "bus.unavailable" });
    expect(inspect(error, { depth: 10 })).not.toContain(user.split(":")[1]);
  });

  test("what is no address is refused, without showing its password", () => {
    expect(() => createRedisBus({ url: "http://user:secret@localhost" })).toThrow(/"http:\/\/\*\*\*@localhost" is no/);
  });
});
