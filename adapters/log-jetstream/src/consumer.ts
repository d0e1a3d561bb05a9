import { setTimeout as delay } from "node:timers/promises";
import {
  type ConsumeOptions,
  type LogConsumer,
  type LogReceiver,
  logFaults,
  Progress,
  type Receipt,
  type ReceivedMessage,
} from "@banyan/kernel/log";
import { messageOf } from "./message.ts";
import type { Pull, Pulled } from "./pull.ts";
import { type Session, startAfter } from "./session.ts";

const againAfterMs = 250;

interface OwnOptions extends ConsumeOptions {
  readonly onClose: () => void;
}

/**
 * One consumer of a group.
 *
 * 1. It reads from the group's place on, which is behind everything that was acknowledged without a gap: what another consumer
 *    held when it died comes first, and in order (G4).
 * 2. What waits for its acknowledgement and what the server was asked for are together at most `inFlightMax` and, but for one message,
 *    `inFlightBytesMax` (G5).
 * 3. Whatever ends its pull, it begins again at the group's place until it is closed (G6).
 * 4. What passed the stream's horizon unread is told of once: the place is behind it from then on.
 */
export class Consumer implements LogConsumer {
  private readonly session: Session;
  private readonly options: OwnOptions;
  private readonly receiver: LogReceiver;
  private readonly ending = new AbortController();
  private current: { readonly pull: Pull; readonly progress: Progress<number> } | null = null;

  constructor(session: Session, options: OwnOptions, receiver: LogReceiver) {
    this.session = session;
    this.options = options;
    this.receiver = receiver;
  }

  /** Raises `log.unavailable`. */
  async begin(): Promise<void> {
    const { session, options } = this;
    const { name, types } = options;
    const { floor, log, expired } = await session.placeOf(options);
    const progress = new Progress<number>({
      floor,
      write: (reached, beyond) => session.places.write(name, { floor: reached, beyond, log }),
    });
    const pull = await session.pull({
      name,
      types,
      start: startAfter(floor),
      received: (pulled) => this.received(pulled),
      spared: () => this.ask(),
      passed: (sequence) => this.current?.progress.pass(sequence),
      ended: (reason) => this.lost(reason),
    });
    if (this.ending.signal.aborted) return pull.close();
    this.current = { pull, progress };
    if (expired > 0) {
      progress.pass(floor);
      this.receiver.refused("expired", expired);
    }
    this.ask();
  }

  acknowledge(messages: readonly Receipt[]): void {
    this.current?.progress.acknowledge(messages);
    this.ask();
  }

  async close(): Promise<void> {
    this.ending.abort();
    const { current } = this;
    this.current = null;
    current?.pull.close();
    await current?.progress.close();
    this.options.onClose();
  }

  private received(pulled: readonly Pulled[]): void {
    if (this.current === null) return;
    const { progress } = this.current;
    const batch: ReceivedMessage[] = [];
    for (const { subject, message, sequence } of pulled) {
      const read = messageOf(message, this.session.names.typeOf(subject));
      if (typeof read !== "string") batch.push({ ...read, receipt: progress.add(sequence, read.body.length) });
      else {
        progress.pass(sequence);
        this.receiver.refused(read);
      }
    }
    if (batch.length > 0) this.receiver.received(batch);
    this.ask();
  }

  /**
   * A request for little costs as much as one for much, so it waits for room unless there is none under way. None asks for more than half
   * of the bytes: the next can then be under way beside it.
   */
  private ask(): void {
    if (this.current === null) return;
    const { pull, progress } = this.current;
    const { inFlightMax, inFlightBytesMax } = this.options;
    const room = inFlightMax - progress.waiting - pull.wanted;
    const roomBytes = inFlightBytesMax - progress.waitingBytes - pull.wantedBytes;
    if (room <= 0 || roomBytes <= 0) return;
    const isMuch = room >= inFlightMax / 2 && roomBytes >= inFlightBytesMax / 4;
    if (pull.wanted === 0 || isMuch) pull.ask(room, Math.min(roomBytes, Math.ceil(inFlightBytesMax / 2)));
  }

  private lost(cause: Error): void {
    this.current?.progress.abandon();
    this.current = null;
    this.receiver.lost(logFaults.unavailable(undefined, { cause }));
    void this.beginAgain();
  }

  private async beginAgain(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      try {
        return await this.begin();
      } catch {
        // Not there yet: the next turn will tell, and `lost` has been said.
        await delay(againAfterMs, undefined, { signal }).catch(() => {});
      }
    }
  }
}
