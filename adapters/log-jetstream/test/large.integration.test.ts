import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogMessage, ReceivedMessage } from "@banyan/kernel/log";
import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OwnServer, programOf } from "../../../tools/own-server.ts";
import { createJetStreamLog, type JetStreamLog } from "../src/index.ts";

const program = programOf("nats") ?? "";
const type = "ledger.posted";
const megabyte = 1_000_000;

describe.skipIf(program === "")("messages of a server that takes larger ones than we send", () => {
  let folder: string;
  let server: OwnServer;
  let log: JetStreamLog;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "banyan-nats-"));
    const config = join(folder, "nats.conf");
    await writeFile(config, `max_payload: 8MB\njetstream { store_dir: '${folder}' }\n`);
    server = await OwnServer.start(program, (port) => ["-c", config, "-a", "127.0.0.1", "-p", String(port)]);
    log = createJetStreamLog({ url: `nats://127.0.0.1:${server.port}` });
    await log.open({ signal: AbortSignal.timeout(10_000) });
  });
  afterAll(async () => {
    await log?.close({ deadlineMs: 1_000 });
    await server?.kill();
    await rm(folder, { recursive: true });
  });

  const append = async (bytes: number) => {
    const message: LogMessage = { id: randomUUID(), type, key: "acme/1", body: new Uint8Array(bytes) };
    await log.append([message]);
  };
  const appendAsStranger = async (bytes: number) => {
    const fields = headers();
    fields.append("Nats-Msg-Id", randomUUID());
    fields.append("Banyan-Key", "acme/1");
    await log.unwrap().request(`banyan.log.${type}`, new Uint8Array(bytes), { headers: fields, timeout: 5_000 });
  };

  test("come one at a time and in order, to who consumes and to who reads again", async () => {
    const sizes = [100, 3 * megabyte, 100, 5 * megabyte, 5 * megabyte, 900_000, 100];
    for (const bytes of sizes) await (bytes > megabyte ? appendAsStranger(bytes) : append(bytes));
    const read: number[] = [];
    const options = { types: [type], since: 0, signal: AbortSignal.timeout(10_000) };
    for await (const page of log.read(options)) read.push(...page.map(({ body }) => body.length));
    expect(read).toEqual(sizes);
    const received: ReceivedMessage[] = [];
    const consumer = await log.consume(
      { name: "ledger", types: [type], from: "earliest", inFlightMax: 100, inFlightBytesMax: megabyte },
      { received: (messages) => void received.push(...messages), lost: () => {}, refused: () => {} },
    );
    for (const held of [2, 4, 5, 7]) {
      await expect.poll(() => received.length, { timeout: 5_000 }).toBe(held);
      consumer.acknowledge(received);
    }
    expect(received.map(({ body }) => body.length)).toEqual(sizes);
    await consumer.close();
  }, 20_000);
});
