import type { Bus, BusReceiver, NodeRef, Outgoing } from "@banyan/kernel/bus";
import { onTestFinished } from "vitest";
import { createTcpBus, type TcpBusOptions } from "../src/index.ts";

/** What a node heard, and a way to wait for more of it. */
export class Recorder implements BusReceiver {
  readonly texts: { from: string; text: string }[] = [];
  readonly lostNodes: { id: string; reason: string }[] = [];
  readonly refusals: { reason: string; detail: string }[] = [];
  readonly topicTexts: { from: NodeRef; text: string }[] = [];
  readonly nodes = new Map<string, NodeRef>();
  writables = 0;
  bytes = 0;
  readonly #waiting = new Set<() => void>();

  received(from: NodeRef, frames: Uint8Array): void {
    this.nodes.set(from.id, from);
    this.bytes += frames.length;
    if (frames.length < 16_000) this.texts.push({ from: from.id, text: Buffer.from(frames).toString() });
    this.#look();
  }

  lost({ id }: NodeRef, reason: Error): void {
    this.lostNodes.push({ id, reason: reason.message });
    this.#look();
  }

  writable(): void {
    this.writables++;
    this.#look();
  }

  refused(reason: string, detail: string): void {
    this.refusals.push({ reason, detail });
    this.#look();
  }

  readonly listen = (from: NodeRef, message: Uint8Array): void => {
    this.topicTexts.push({ from, text: Buffer.from(message).toString() });
    this.#look();
  };

  text(): string {
    return this.texts.map(({ text }) => text).join("");
  }

  /** Resolves at the first event after which the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => condition() && resolve();
    this.#waiting.add(look);
    await promise;
    this.#waiting.delete(look);
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}

export interface TestNode {
  readonly id: string;
  readonly bus: Bus;
  readonly heard: Recorder;
  readonly ref: NodeRef;
  /** Resolves to what became of the batch. */
  tell(to: { readonly ref: NodeRef }, text: string): Promise<"sent" | Error>;
}

let started = 0;

/** A node on this machine, closed when the test ends. */
export async function startNode(options: TcpBusOptions & { id?: string } = {}): Promise<TestNode> {
  const { id = `node-${++started}`, ...rest } = options;
  const bus = createTcpBus({ listen: "127.0.0.1:0", ...rest });
  const heard = new Recorder();
  onTestFinished(() => bus.close({ deadlineMs: 100 }));
  await bus.open({ id, receiver: heard, signal: AbortSignal.timeout(10_000) });
  const tell: TestNode["tell"] = (to, text) => outcome((batch) => bus.send(to.ref, batch), Buffer.from(text));
  return { id, bus, heard, ref: { id, address: bus.address }, tell };
}

export function outcome(send: (batch: Outgoing) => void, frames: Uint8Array): Promise<"sent" | Error> {
  const { promise, resolve } = Promise.withResolvers<"sent" | Error>();
  send({ frames, sent: () => resolve("sent"), failed: resolve });
  return promise;
}

/** Tries again, as the kernel would, until the node is reached. */
export async function tellUntilSent(from: TestNode, to: TestNode, text: string): Promise<void> {
  while ((await from.tell(to, text)) !== "sent") await new Promise(setImmediate);
}
