import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { selfSigned } from "../../../tools/test-certificate.ts";
import { expectTrip } from "../../../tools/test-log/trip.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createRedisLog } from "../src/index.ts";

const users = [
  ["--user", "default", "off"],
  ["--user", "ledger", "on", ">p@ss/word", "~banyan:*", "+@all"],
  ["--user", "reader", "on", ">reader", "%R~banyan:*", "+@all"],
].flat();

describeWithOwnServer("redis", "who may use the log over Redis Streams", (program) => {
  let folder: string;
  let server: OwnServer;
  let ca: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "banyan-redis-access-"));
    const { certFile, keyFile, ca: own } = selfSigned(folder);
    ca = own;
    const tls = ["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no", "--port", "0"];
    const args = ["--bind", "127.0.0.1", "--save", "", "--dir", folder, ...tls, ...users];
    server = await OwnServer.start(program, (port) => ["--tls-port", String(port), ...args]);
  });
  afterAll(async () => {
    await server.kill();
    rmSync(folder, { recursive: true });
  });

  const open = async (user: string, tls?: { readonly ca: string }) => {
    const url = `rediss://${user}@localhost:${server.port}`;
    const log = createRedisLog({ url, ...(tls !== undefined && { tls }) });
    onTestFinished(() => log.close({ deadlineMs: 1_000 }));
    await log.open({ signal: AbortSignal.timeout(10_000) });
    return log;
  };

  test("a user with the right password and the server's authority appends and reads", async () => {
    await expectTrip(await open("ledger:p%40ss%2Fword", { ca }));
  });

  test.for([
    ["a wrong password", "ledger:wrong", true],
    ["a server that nobody vouches for", "ledger:p%40ss%2Fword", false],
  ] as const)("%s is refused", async ([, user, isTrusted]) => {
    const error = await open(user, isTrusted ? { ca } : undefined).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "log.unavailable" });
    expect(inspect(error, { depth: 10 })).not.toContain(user.split(":")[1]);
  });

  test("a user who may only read does not append", async () => {
    const log = await open("reader:reader", { ca });
    await expect(expectTrip(log)).rejects.toMatchObject({ code: expect.stringMatching(/^log\./) });
  });
});
