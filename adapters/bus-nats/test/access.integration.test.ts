import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { TestNode } from "../../../tools/test-bus/node.ts";
import { selfSigned } from "../../../tools/test-certificate.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createNatsBus } from "../src/index.ts";

const users = `authorization { users: [
  { user: ledger, password: "p@ss/word", permissions: { publish: "banyan.>", subscribe: "banyan.>" } },
  { user: deaf, password: deaf, permissions: { subscribe: "other.>" } },
] }`;

describeWithOwnServer("nats", "who may take part in the bus over NATS", (program) => {
  let folder: string;
  let server: OwnServer;
  let ca: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "banyan-nats-access-"));
    const config = join(folder, "nats.conf");
    const { certFile, keyFile, ca: own } = selfSigned(folder);
    ca = own;
    writeFileSync(config, `tls { cert_file: "${certFile}", key_file: "${keyFile}" }\n${users}`);
    server = await OwnServer.start(program, (port) => ["-c", config, "-a", "127.0.0.1", "-p", String(port)]);
  });
  afterAll(async () => {
    await server.kill();
    rmSync(folder, { recursive: true });
  });

  const open = (user: string, tls?: { ca: string }) => {
    const url = `tls://${user}@localhost:${server.port}`;
    return TestNode.open(createNatsBus({ url, ...(tls !== undefined && { tls }) }));
  };

  test("a user with the right password and the server's authority takes part", async () => {
    const [a, b] = [await open("ledger:p%40ss%2Fword", { ca }), await open("ledger:p%40ss%2Fword", { ca })];
    await a.send(b.ref, "hello");
    await b.until(() => b.heard.length === 1);
    await Promise.all([a, b].map(({ bus }) => bus.close({ deadlineMs: 1_000 })));
  });

  test.for([
    ["a wrong password", "ledger:wrong", true],
    ["a user who may not hear", "deaf:deaf", true],
    ["a server that nobody vouches for", "ledger:p%40ss%2Fword", false],
  ] as const)("%s is refused", async ([, user, isTrusted]) => {
    await expect(open(user, isTrusted ? { ca } : undefined)).rejects.toMatchObject({ code: "bus.unavailable" });
  });

  test("what is no address is refused, without showing its password", () => {
    expect(() => createNatsBus({ url: "http://user:secret@localhost" })).toThrow(/"http:\/\/\*\*\*@localhost" is no/);
    expect(() => createNatsBus({ url: "nats://localhost", namespace: "a.b" })).toThrow("no namespace");
  });
});
