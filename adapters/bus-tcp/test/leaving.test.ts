import { implement } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { expect, onTestFinished, test } from "vitest";
import { createTcpBus } from "../src/index.ts";
import { probe } from "./probe-contract.ts";

test("a node that leaves answers what it has accepted, over the connection that it came by", async () => {
  const gate = Promise.withResolvers<number>();
  const begun = Promise.withResolvers<void>();
  const service = implement(probe, {
    queries: {
      pid: () => {
        begun.resolve();
        return gate.promise;
      },
      mark: async () => 1,
      marks: async () => 1,
    },
  });
  const bus = createTcpBus({ listen: "127.0.0.1:0" });
  const callee = createApp({ services: [service], bus });
  await callee.start();
  const caller = createApp({ services: [], remotes: [probe], bus: createTcpBus({ seeds: [bus.address] }) });
  await caller.start();
  onTestFinished(() => caller.stop({ deadlineMs: 100 }));

  const left = Promise.withResolvers<void>();
  caller.inspect((record) => record.kind === "node" && record.state === "left" && left.resolve(), ["node"]);
  const answer = caller.call(probe.pid, {}, { deadlineMs: 3_000 });
  await begun.promise;
  const stopped = callee.stop({ deadlineMs: 2_000 });
  await left.promise;
  gate.resolve(7);
  expect(await answer).toBe(7);
  await stopped;
});
