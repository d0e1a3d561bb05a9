import { AppendQueue, type ConsumeOptions, type LogGroup } from "@banyan/kernel/log";
import { DeliverPolicy, type JetStreamManager, type StreamInfo } from "@nats-io/jetstream";
import { Batches, batchMessagesMax } from "./batches.ts";
import type { Link } from "./link.ts";
import { headerBytesMax } from "./message.ts";
import type { Names } from "./names.ts";
import { Places } from "./places.ts";
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

/** Where a consumer of a group begins. */
interface Beginning {
  readonly floor: number;
  /** The stream, by its time of creation. */
  readonly log: string;
  /** How many messages passed the stream's horizon unread, at most. */
  readonly expired: number;
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

  /**
   * Where a group begins, in which stream, and how many messages, of whatever type, went since it stood there; a group that has no
   * place gets one.
   */
  async placeOf({ name, from }: Pick<ConsumeOptions, "name" | "from">): Promise<Beginning> {
    const { created: log, state } = await this.info();
    const found = await this.link.whileUp(() => this.places.read(name, log));
    if (found !== null) {
      const floor = Math.max(found.floor, state.first_seq - 1);
      return { floor, log, expired: Math.max(0, floor - found.floor - found.beyond) };
    }
    const place = { floor: from === "latest" ? state.last_seq : 0, beyond: 0, log };
    await this.places.write(name, place);
    return { ...place, expired: 0 };
  }

  pull(
    options: Pick<PullOptions, "name" | "types" | "start" | "received" | "spared" | "passed" | "ended">,
  ): Promise<Pull> {
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
