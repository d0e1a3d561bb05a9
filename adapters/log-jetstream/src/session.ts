import { AppendQueue, type ConsumeOptions, type LogGroup } from "@banyan/kernel/log";
import { DeliverPolicy, type JetStreamManager, type StreamInfo } from "@nats-io/jetstream";
import { Batches, batchMessagesMax } from "./batches.ts";
import type { Link } from "./link.ts";
import { headerBytesMax } from "./message.ts";
import type { Names } from "./names.ts";
import { type Place, Places } from "./places.ts";
import { Pull, type PullOptions } from "./pull.ts";

/** As much as one batch holds in bodies, so that a batch is a fraction of a second's work. */
const batchBytesMax = 4 * 1024 * 1024;

/** The largest message of a server's default, headers and all; no more where a server allows more. */
export const messageBytesMax = 1024 * 1024;

export interface SessionOptions {
  readonly link: Link;
  readonly manager: JetStreamManager;
  readonly names: Names;
  readonly stream: StreamInfo;
  readonly inboxPrefix: string | undefined;
}

/** An open log: its connection, and what is done over it. */
export class Session {
  readonly link: Link;
  readonly names: Names;
  readonly places: Places;
  readonly queue: AppendQueue;
  readonly bodyBytesMax: number;
  private readonly manager: JetStreamManager;
  private readonly inboxPrefix: string | undefined;

  constructor({ link, manager, names, stream, inboxPrefix }: SessionOptions) {
    this.link = link;
    this.manager = manager;
    this.names = names;
    this.inboxPrefix = inboxPrefix;
    this.places = new Places({ link, manager, names });
    const { max_payload = messageBytesMax } = link.connection.info ?? {};
    const { max_msg_size } = stream.config;
    const limits = [messageBytesMax, max_payload, max_msg_size > 0 ? max_msg_size : messageBytesMax];
    this.bodyBytesMax = Math.min(...limits) - headerBytesMax;
    const batches = new Batches(link, names);
    this.queue = new AppendQueue({
      keep: (messages) => batches.keep(messages),
      messageBytesMax: this.bodyBytesMax,
      batchMessagesMax,
      batchBytesMax,
    });
  }

  /** Where a group stands, and in which stream; a group that has no place gets one. */
  async placeOf({ name, from }: Pick<ConsumeOptions, "name" | "from">): Promise<Place & { readonly log: string }> {
    const { created, state } = await this.info();
    const found = await this.link.whileUp(() => this.places.read(name, created));
    if (found !== null) return { ...found, log: created };
    const place = { floor: from === "latest" ? state.last_seq : 0, beyond: 0, log: created };
    await this.places.write(name, place);
    return place;
  }

  pull(options: Pick<PullOptions, "name" | "types" | "start" | "received" | "ended">): Promise<Pull> {
    const { link, manager, names, inboxPrefix } = this;
    return Pull.open({ link, manager, names, inboxPrefix, ...options });
  }

  async lag({ name, types }: LogGroup): Promise<number> {
    const { created } = await this.info();
    const place = await this.link.whileUp(() => this.places.read(name, created));
    const { floor, beyond } = place ?? { floor: 0, beyond: 0 };
    const pull = await this.pull({ name, types, start: startAfter(floor), received: () => {}, ended: () => {} });
    pull.close();
    return Math.max(0, pull.total - beyond);
  }

  info(): Promise<StreamInfo> {
    return this.link.whileUp(() => this.manager.streams.info(this.names.stream));
  }
}

/** From the message behind a place on. */
export function startAfter(floor: number): PullOptions["start"] {
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: floor + 1 };
}
