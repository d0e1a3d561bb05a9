import type { Bus, NodeRef } from "../bus/bus.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Announcements as JSON over a bus's topics. What is no JSON is passed over: a topic is open to whoever reaches the bus. */
export class Topics {
  private readonly bus: Bus;

  constructor(bus: Bus) {
    this.bus = bus;
  }

  publish(topic: string, message: unknown): void {
    this.bus.publish(topic, encoder.encode(JSON.stringify(message)));
  }

  subscribe(topic: string, listener: (from: NodeRef, message: unknown) => void): () => void {
    return this.bus.subscribe(topic, (from, bytes) => {
      const message = parsed(bytes);
      if (message !== undefined) listener(from, message);
    });
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}
