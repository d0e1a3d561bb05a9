import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { selfSigned } from "../../../tools/test-certificate.ts";
import { expectTrip } from "../../../tools/test-log/trip.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createJetStreamLog } from "../src/index.ts";

const users = `authorization { users: [
  { user: ledger, password: "p@ss/word" },
  { user: deaf, password: deaf, permissions: { subscribe: "other.>" } },
] }`;

describeWithOwnServer("nats", "who may use the log over JetStream", (program) => {
  let folder: string;
  let server: OwnServer;
  let ca: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "banyan-jetstream-access-"));
    const config = join(folder, "nats.conf");
    const { certFile, keyFile, ca: own } = selfSigned(folder);
    ca = own;
    writeFileSync(
      config,
      `jetstream { store_dir: "${folder}" }\ntls { cert_file: "${certFile}", key_file: "${keyFile}" }\n${users}`,
    );
    server = await OwnServer.start(program, (port) => ["-c", config, "-a", "127.0.0.1", "-p", String(port)]);
  });
  afterAll(async () => {
    await server.kill();
    rmSync(folder, { recursive: true });
  });

  const open = async (user: string, tls?: { readonly ca: string }) => {
    const url = `tls://${user}@localhost:${server.port}`;
    const log = createJetStreamLog({ url, ...(tls !== undefined && { tls }) });
    onTestFinished(() => log.close({ deadlineMs: 1_000 }));
    await log.open({ signal: AbortSignal.timeout(10_000) });
    return log;
  };

  test("a user with the right password and the server's authority appends and reads", async () => {
    await expectTrip(await open("ledger:p%40ss%2Fword", { ca }));
  });

  test.for([
    ["a wrong password", "ledger:wrong", true],
    ["a user who may not hear", "deaf:deaf", true],
    ["a server that nobody vouches for", "ledger:p%40ss%2Fword", false],
  ] as const)("%s is refused", async ([, user, isTrusted]) => {
    await expect(open(user, isTrusted ? { ca } : undefined)).rejects.toMatchObject({ code: "log.unavailable" });
  });
});
