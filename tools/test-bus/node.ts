import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import type { Bus, NodeRef, Outgoing } from "@banyan/kernel/bus";

/** A node that keeps what its bus tells it, and says so by events of the same names. */
export class TestNode<B extends Bus> extends EventEmitter {
  readonly id = `test-${randomBytes(4).toString("hex")}`;
  readonly ref: NodeRef = { id: this.id, address: "" };
  readonly bus: B;
  readonly heard: { readonly from: string; readonly text: string }[] = [];
  readonly losses: string[] = [];
  readonly refusals: string[] = [];

  private constructor(bus: B) {
    super();
    this.bus = bus;
  }

  static async open<B extends Bus>(bus: B, signal = AbortSignal.timeout(10_000)): Promise<TestNode<B>> {
    const node = new TestNode(bus);
    await bus.open({ id: node.id, receiver: node.receiver, signal });
    return node;
  }

  /** Resolves when `condition` holds, which is looked at whenever the bus says something. */
  async until(condition: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(20_000);
    while (!condition()) await once(this, "changed", { signal });
  }

  send(to: NodeRef, text: string): Promise<"sent" | Error> {
    return outcome((batch) => void this.bus.send(to, batch), text);
  }

  private readonly receiver = {
    received: (from: NodeRef, frames: Uint8Array) => {
      this.heard.push({ from: from.id, text: Buffer.from(frames).toString() });
      this.emit("changed");
    },
    lost: (node: NodeRef) => {
      this.losses.push(node.id);
      this.emit("changed");
    },
    writable: (node: NodeRef) => {
      this.emit("writable", node.id);
    },
    refused: (reason: string) => {
      this.refusals.push(reason);
      this.emit("changed");
    },
  };
}

/** What the bus said of a batch: exactly one thing, or this rejects. */
export function outcome(send: (batch: Outgoing) => void, content: string | Uint8Array): Promise<"sent" | Error> {
  const frames = typeof content === "string" ? Buffer.from(content) : content;
  const { promise, resolve, reject } = Promise.withResolvers<"sent" | Error>();
  let said = 0;
  const say = (what: "sent" | Error) => (++said === 1 ? resolve(what) : reject(new Error("said twice")));
  send({ frames, sent: () => say("sent"), failed: say });
  return promise;
}
