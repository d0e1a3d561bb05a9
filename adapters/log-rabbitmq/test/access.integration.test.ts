import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Certificate, selfSigned } from "../../../tools/test-certificate.ts";
import { expectTrip } from "../../../tools/test-log/trip.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createRabbitLog } from "../src/index.ts";
import { manage, newNamespace, removeNamespace } from "./rabbit.ts";

const pemOf = ({ certFile, keyFile }: Certificate) => ({ cert: readFileSync(certFile), key: readFileSync(keyFile) });

describeWithServer("rabbitmq", "who may use the log over RabbitMQ", (url) => {
  const namespace = newNamespace();
  const own = `${namespace}\\..*`;
  /** What each may write to. */
  const users = { ledger: `${own}|amq\\.default`, newcomer: own, reader: "^$" };
  let folder: string;
  let front: Server;
  let ca: string;

  /** TLS ends before the server, which others use without. */
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "banyan-rabbit-access-"));
    const certificate = selfSigned(folder);
    ca = certificate.ca;
    front = createServer(pemOf(certificate), (near) => {
      const far = connect(Number(new URL(url).port), new URL(url).hostname);
      near.pipe(far).pipe(near);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const)
        socket.on("error", () => {}).on("close", () => other.destroy());
    });
    front.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    for (const [user, write] of Object.entries(users)) {
      await manage(`users/${namespace}-${user}`, { method: "PUT", body: { password: "p@ss/word", tags: "" } });
      const body = { configure: own, write, read: own };
      await manage(`permissions/%2F/${namespace}-${user}`, { method: "PUT", body });
    }
  });
  afterAll(async () => {
    for (const user of Object.keys(users)) await manage(`users/${namespace}-${user}`, { method: "DELETE" });
    await removeNamespace(namespace);
    front.close();
    rmSync(folder, { recursive: true });
  });

  const open = async (user: keyof typeof users, password: string, tls?: { readonly ca: string }) => {
    const server = `amqps://${namespace}-${user}:${password}@localhost:${(front.address() as AddressInfo).port}`;
    const log = createRabbitLog({ url: server, namespace, ...(tls !== undefined && { tls }) });
    onTestFinished(() => log.close({ deadlineMs: 1_000 }));
    await log.open({ signal: AbortSignal.timeout(10_000) });
    return log;
  };

  test("a user with the right password and the server's authority appends and reads", async () => {
    await expectTrip(await open("ledger", "p%40ss%2Fword", { ca }));
  });

  test.for([
    ["a wrong password", "ledger", "wrong", true, "log.unavailable"],
    ["a server that nobody vouches for", "ledger", "p%40ss%2Fword", false, "log.unavailable"],
    ["a user who may not write", "reader", "p%40ss%2Fword", true, "log.misconfigured"],
  ] as const)("%s is refused", async ([, user, password, isTrusted, code]) => {
    const error = await open(user, password, isTrusted ? { ca } : undefined).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect(inspect(error, { depth: 10 })).not.toContain(decodeURIComponent(password));
  });

  test("a user who may not copy to a new group's queue is told what is missing", async () => {
    const log = await open("newcomer", "p%40ss%2Fword", { ca });
    await expect(expectTrip(log)).rejects.toMatchObject({
      code: "log.misconfigured",
      details: { reason: expect.stringContaining("amq.default") },
    });
  });
});
