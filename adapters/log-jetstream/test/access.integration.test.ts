import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
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
    const [cert, key, config] = ["cert.pem", "key.pem", "nats.conf"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const pair = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert];
    execFileSync("openssl", ["req", "-x509", ...pair, ...subject, "-days", "2"], { stdio: "ignore" });
    ca = readFileSync(cert, "utf8");
    writeFileSync(
      config,
      `jetstream { store_dir: "${folder}" }\ntls { cert_file: "${cert}", key_file: "${key}" }\n${users}`,
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
    const log = await open("ledger:p%40ss%2Fword", { ca });
    const message = { id: randomUUID(), type: "ledger.posted", key: "acme/1", body: Buffer.from("{}") };
    await log.append([message]);
    const received = new Promise<readonly { readonly id: string }[]>((resolve, reject) => {
      log
        .consume(
          { name: "ledger", types: [message.type], from: "earliest", inFlightMax: 10 },
          { received: resolve, lost: () => {}, refused: reject },
        )
        .catch(reject);
    });
    expect(await received).toMatchObject([{ id: message.id }]);
  });

  test.for([
    ["a wrong password", "ledger:wrong", true],
    ["a user who may not hear", "deaf:deaf", true],
    ["a server that nobody vouches for", "ledger:p%40ss%2Fword", false],
  ] as const)("%s is refused", async ([, user, isTrusted]) => {
    await expect(open(user, isTrusted ? { ca } : undefined)).rejects.toMatchObject({ code: "log.unavailable" });
  });
});
