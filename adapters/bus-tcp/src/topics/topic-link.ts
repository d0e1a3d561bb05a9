import type { Socket } from "node:net";
import { Link } from "../link.ts";
import type { Refused } from "../refusal.ts";
import { encodeTopicFrame, type TopicHead, TopicReader } from "./topic-frame.ts";

export interface TopicLinkEars {
  received(head: TopicHead, message: Buffer): void;
  garbled(reason: Refused): void;
  closed(): void;
}

/** Both ends say that often that they are there; silence for three times as long, and a bit, is an end. */
const PING_MS = 5_000;
const SILENCE_MS = 16_000;
const PING = encodeTopicFrame({ do: "ping" });

/** A connection between a node and a seed. What it cannot take is dropped: topics are heard at most once. */
export class TopicLink {
  readonly #link: Link;
  #heardMs = performance.now();

  constructor(socket: Socket, ears: TopicLinkEars) {
    const reader = new TopicReader();
    const timer = setInterval(() => {
      this.send(PING);
      if (performance.now() - this.#heardMs > SILENCE_MS) this.#link.destroy(new Error("the other end fell silent"));
    }, PING_MS).unref();
    this.#link = new Link(socket, {
      received: (bytes) => {
        this.#heardMs = performance.now();
        try {
          reader.push(bytes, ears.received);
        } catch (error) {
          ears.garbled(error as Refused);
          this.#link.destroy(error as Error);
        }
      },
      writable: () => {},
      closed: () => {
        clearInterval(timer);
        ears.closed();
      },
    });
  }

  start(rest: Buffer): void {
    this.#link.start(rest);
  }

  send(frame: Buffer): void {
    this.#link.write({ frames: frame, sent: () => {}, failed: () => {} });
  }

  end(): Promise<void> {
    return this.#link.end();
  }

  destroy(): void {
    this.#link.destroy(new Error("closed here"));
  }
}
