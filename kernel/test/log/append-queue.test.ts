import { randomUUID } from "node:crypto";
import { AppendQueue, type LogMessage, logFaults } from "@banyan/kernel/log";
import { beforeEach, expect, test } from "vitest";

const encoder = new TextEncoder();
const message = (text: string): LogMessage => ({
  id: randomUUID(),
  type: "ledger.posted",
  key: "acme/1",
  body: encoder.encode(text),
});
const messages = (...texts: string[]) => texts.map(message);
const text = ({ body }: LogMessage) => new TextDecoder().decode(body);

/** An engine that answers when it is told to. */
class Engine {
  readonly batches: string[][] = [];
  private answers: { resolve(): void; reject(reason: unknown): void }[] = [];
  readonly queue = new AppendQueue({
    keep: (batch) => {
      this.batches.push(batch.map(text));
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.answers.push({ resolve, reject });
      return promise;
    },
    messageBytesMax: 10,
    batchMessagesMax: 3,
    batchBytesMax: 12,
  });

  async answer(reason?: unknown): Promise<void> {
    await turn();
    const answer = this.answers.shift();
    if (reason === undefined) answer?.resolve();
    else answer?.reject(reason);
    await turn();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
let engine: Engine;
beforeEach(() => {
  engine = new Engine();
});

test("calls that wait share a batch, one batch at a time, and each resolves with its last message", async () => {
  const settled: string[] = [];
  const append = (name: string, ...texts: string[]) =>
    engine.queue.append(messages(...texts)).then(() => settled.push(name));
  const calls = [append("one", "a"), append("two", "b", "c", "d"), append("three", "e")];
  await turn();
  expect(engine.batches).toEqual([["a", "b", "c"]]);
  await engine.answer();
  expect(settled).toEqual(["one"]);
  expect(engine.batches).toEqual([
    ["a", "b", "c"],
    ["d", "e"],
  ]);
  await engine.answer();
  await Promise.all([...calls, engine.queue.idle()]);
  expect(settled).toEqual(["one", "two", "three"]);
});

test("a batch holds no more bytes than its limit, or one message", async () => {
  const call = engine.queue.append(messages("1234567890", "12", "345", "67890"));
  for (let batch = 0; batch < 2; batch++) await engine.answer();
  await call;
  expect(engine.batches).toEqual([
    ["1234567890", "12"],
    ["345", "67890"],
  ]);
});

test("what waits behind a batch that failed fails with it; what comes later does not", async () => {
  const calls = [messages("a", "b", "c", "d"), messages("e")].map((each) => engine.queue.append(each));
  const outcomes = Promise.allSettled(calls);
  await engine.answer(logFaults.unavailable());
  expect(await outcomes).toMatchObject([
    { status: "rejected", reason: { code: "log.unavailable" } },
    { status: "rejected", reason: { code: "log.unavailable" } },
  ]);
  const later = engine.queue.append(messages("f"));
  await engine.answer();
  await later;
  expect(engine.batches).toEqual([["a", "b", "c"], ["f"]]);
});

test("only the call with the refused message hears of the refusal", async () => {
  const [first, second] = [messages("a"), messages("b")];
  const outcomes = Promise.allSettled([engine.queue.append(first), engine.queue.append(second)]);
  await engine.answer(logFaults.refused({ id: second[0]?.id ?? "", reason: "no" }));
  expect(await outcomes).toMatchObject([
    { reason: { code: "log.unavailable", cause: { code: "log.refused" } } },
    { reason: { code: "log.refused" } },
  ]);
});

test("a call with a message that is too large keeps nothing, and no message is no work", async () => {
  const [small, large] = messages("a", "12345678901") as [LogMessage, LogMessage];
  await expect(engine.queue.append([small, large])).rejects.toMatchObject({
    code: "log.refused",
    details: { id: large.id, reason: "it has more than 10 bytes" },
  });
  await engine.queue.append([]);
  expect(engine.batches).toEqual([]);
});
