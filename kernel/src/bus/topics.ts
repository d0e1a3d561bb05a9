import type { Bus, NodeRef } from "./bus.ts";

/** What topics need of the exchange they belong to. */
export interface TopicsOptions {
  readonly bus: Bus;
  /** A message that is no JSON, counted and skipped. */
  readonly undecodable: (from: NodeRef, topic: string) => void;
  /** A listener threw. */
  readonly report: (error: unknown, topic: string) => void;
}

/** Values, as JSON, to whoever listens now. */
export class Topics {
  private readonly options: TopicsOptions;

  constructor(options: TopicsOptions) {
    this.options = options;
  }

  publish(topic: string, value: unknown, unheard?: () => void): void {
    this.options.bus.publish(topic, Buffer.from(JSON.stringify(value)), unheard);
  }

  subscribe(topic: string, listener: (from: NodeRef, value: unknown) => void): () => void {
    const { bus, undecodable, report } = this.options;
    return bus.subscribe(topic, (from, message) => {
      let value: unknown;
      try {
        value = JSON.parse(Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString());
      } catch {
        undecodable(from, topic);
        return;
      }
      try {
        listener(from, value);
      } catch (error) {
        // What a listener throws must not reach the bus: some clients stop reading for good.
        report(error, topic);
      }
    });
  }
}
