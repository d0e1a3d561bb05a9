import { randomBytes } from "node:crypto";
import { defineContract, fault, implement, query } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { TestNode } from "../../../tools/test-bus/node.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { answerMicro, createNatsBus, type NatsBus } from "../src/index.ts";

const greeter = defineContract("greeter", {
  faults: { rude: fault("invalid") },
  queries: {
    greet: query({
      summary: "Says hello",
      input: z.strictObject({ name: z.string() }),
      output: z.object({ text: z.string() }),
      faults: ["rude"],
      access: "public",
    }),
  },
});

const service = () =>
  implement(greeter, {
    queries: {
      greet: (ctx, { name }) => {
        if (name === "") throw ctx.faults.rude();
        return { text: `hello ${name}` };
      },
    },
  });

describeWithServer("nats", "discovery as NATS micro has it", (url) => {
  const namespace = `test-${randomBytes(4).toString("hex")}`;
  const app = createApp({ services: [service()] });
  let asker: NatsConnection;
  let node: TestNode<NatsBus>;
  let stop: () => Promise<void>;

  beforeEach(async () => {
    asker = await connect({ servers: url.replace("nats://", "") });
    node = await TestNode.open(createNatsBus({ url, namespace }));
    if (app.state === "created") await app.start();
    stop = answerMicro({ app, bus: node.bus, version: "1.2.3", prefix: namespace });
    await node.bus.unwrap().flush();
  });
  afterEach(async () => {
    await stop();
    await node.bus.close({ deadlineMs: 1_000 });
    await asker.close();
  });

  /** Every answer that comes until none has come for a while, as the `nats` command collects them. */
  const ask = async (subject: string): Promise<unknown[]> => {
    const answers: unknown[] = [];
    const options = { strategy: "stall", maxWait: 2_000, stall: 200 } as const;
    for await (const answer of await asker.requestMany(`${namespace}.${subject}`, "", options))
      answers.push(answer.json());
    return answers;
  };

  const standard = () => ({
    name: "greeter",
    id: node.id,
    version: "1.2.3",
    metadata: { framework: "banyan", pid: String(process.pid) },
  });

  test.for(["PING", "PING.greeter", "PING.greeter.ID"])("%s is answered with the standard fields", async (subject) => {
    expect(await ask(subject.replace("ID", node.id))).toEqual([
      { type: "io.nats.micro.v1.ping_response", ...standard() },
    ]);
  });

  test("who is not asked does not answer", async () => {
    await expect(ask("PING.other")).rejects.toThrow("no responders");
    await expect(ask("PING.greeter.other")).rejects.toThrow("no responders");
    await stop();
    await expect(ask("PING")).rejects.toThrow("no responders");
  });

  test("each instance answers for itself", async () => {
    const other = await TestNode.open(createNatsBus({ url, namespace }));
    const stopOther = answerMicro({ app, bus: other.bus, prefix: namespace });
    await other.bus.unwrap().flush();
    const ids = (await ask("PING")).map((answer) => (answer as { id: string }).id);
    expect(ids.sort()).toEqual([node.id, other.id].sort());
    await stopOther();
    await other.bus.close({ deadlineMs: 1_000 });
  });

  test("INFO has every action with the schemas of what goes in and what comes out", async () => {
    const [info] = (await ask("INFO.greeter")) as { endpoints: { metadata: Record<string, string> }[] }[];
    expect(info).toMatchObject({
      type: "io.nats.micro.v1.info_response",
      ...standard(),
      description: "",
      endpoints: [
        {
          name: "greet",
          subject: `${namespace}.node.${node.id}.*`,
          queue_group: "",
          metadata: { kind: "query", access: "public", summary: "Says hello" },
        },
      ],
    });
    const { request_schema = "", response_schema = "" } = info?.endpoints[0]?.metadata ?? {};
    expect(JSON.parse(request_schema)).toMatchObject({ properties: { name: { type: "string" } }, required: ["name"] });
    expect(JSON.parse(response_schema)).toMatchObject({ properties: { text: { type: "string" } } });
  });

  test("STATS counts calls, faults and time since it began", async () => {
    const [before] = await ask("STATS");
    expect(before).toMatchObject({ endpoints: [{ num_requests: 0, average_processing_time: 0, last_error: "" }] });
    await app.call(greeter.greet, { name: "you" });
    await app.call(greeter.greet, { name: "" }).catch(() => {});
    const [stats] = (await ask("STATS")) as { started: string; endpoints: Record<string, unknown>[] }[];
    expect(stats).toMatchObject({ type: "io.nats.micro.v1.stats_response", ...standard() });
    expect(new Date(stats?.started ?? "").toISOString()).toBe(stats?.started);
    const [greet = {}] = stats?.endpoints ?? [];
    expect(greet).toMatchObject({ name: "greet", num_requests: 2, num_errors: 1, last_error: "greeter.rude" });
    expect(greet.average_processing_time).toBe(Math.trunc((greet.processing_time as number) / 2));
    expect(greet.processing_time).toBeGreaterThan(0);
  });

  test("a version that is none is refused", () => {
    expect(() => answerMicro({ app, bus: node.bus, version: "latest" })).toThrow("semantic version");
  });
});
