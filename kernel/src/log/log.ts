import type { OutsideServer } from "../call/health-check.ts";

/**
 * Where events go that other databases and other programs are to hear of: an engine that keeps messages in order, durably.
 * The kernel decides what is said and what a failure means; a log only keeps and moves bytes. Numbers: G1 … are what the
 * conformance suite holds.
 *
 * G1  What `append` has resolved for survives the death of every client, and of the server as far as `traits.durable` says.
 * G2  Messages of one key are kept in the order of their appending; where one is refused, none of the same key behind it in the
 *     call is kept. A call that failed may be repeated: what it had kept is then there twice, in an order that is right again
 *     when each message counts once.
 * G3  Each group gets each message of its types at least once, those of one key in order, from where the group began.
 * G4  A message that was not acknowledged comes again, to the next consumer of its group, before any later one of its key does. The
 *     caller acknowledges those of one key in their order; what it has acknowledged may come again all the same.
 * G5  A consumer is given a message while fewer than `inFlightMax` wait there for their acknowledgement, of less than
 *     `inFlightBytesMax` bytes: one message can go beyond that, which is how one larger than all of it passes. The rest wait in the
 *     engine, as far as it can be told by bytes when to stop (docs/LOGS.md).
 * G6  A consumer that lost its engine takes up again by itself, without being asked; meanwhile `append` raises `log.unavailable`.
 * G7  Bytes that are no message are skipped with a counted reason (`refused`), never a crash, and never come again.
 */
export interface Log {
  readonly traits: LogTraits;
  /** The engine; absent where it is in this process. To be asked once it is open. */
  readonly server?: OutsideServer;
  /** Connects, and creates what it needs where it may. Raises `log.unavailable`, `log.misconfigured`. */
  open(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Resolves when every message is kept. Raises `log.unavailable` (it may have kept some), `log.refused` (names the message). */
  append(messages: readonly LogMessage[]): Promise<void>;
  /** Takes part in a group: one consumer of a group at a time, which the caller sees to. Resolves when it receives. */
  consume(options: ConsumeOptions, receiver: LogReceiver): Promise<LogConsumer>;
  /**
   * What is kept of the types, in order per key, from `since` (milliseconds since 1970) to what was there when it was asked.
   * Only where `traits.replayable`. No group moves by it.
   */
  read(options: ReadOptions): AsyncIterable<readonly LogMessage[]>;
  /** How many messages of its types a group has not acknowledged. */
  lag(group: LogGroup): Promise<number>;
  /** Sends what was taken, closes everything it opened. Idempotent. */
  close(options: { readonly deadlineMs: number }): Promise<void>;
}

/** What an engine promises beyond the port. */
export interface LogTraits {
  /** "server": an acknowledged message survives the server's process; "disk": the machine's power too; "no": neither. */
  readonly durable: "no" | "server" | "disk";
  /** What was acknowledged can be read again. */
  readonly replayable: boolean;
  /** Keys are spread over partitions that consumers of other programs can share between them. */
  readonly partitioned: boolean;
  /** A message can be kept back until its time. */
  readonly delayed: boolean;
  /** The largest `LogMessage.body`, in bytes. */
  readonly messageBytesMax: number;
}

/** One event as the log keeps it. */
export interface LogMessage {
  /** The event's id, a UUID: engines that know messages by their ids store it once, as far as they remember. */
  readonly id: string;
  /** "ledger.posted": letters, digits, "-" and "_" around one ".". */
  readonly type: string;
  /** What order is kept by: tenant and key of the event, up to 1,024 bytes. */
  readonly key: string;
  /** A CloudEvents 1.0 envelope in JSON. */
  readonly body: Uint8Array;
}

/** Who consumes together, and what: a service, usually. */
export interface LogGroup {
  /** Letters, digits, "-" and "_". */
  readonly name: string;
  readonly types: readonly string[];
}

/** How a group's consumer takes part. */
export interface ConsumeOptions extends LogGroup {
  /** Where a group that the engine has not met begins. */
  readonly from: "earliest" | "latest";
  /** How many messages may wait for their acknowledgement. */
  readonly inFlightMax: number;
  /** How many bytes of bodies they may have together. */
  readonly inFlightBytesMax: number;
}

/** What is to be read again, and from when on. */
export interface ReadOptions {
  readonly types: readonly string[];
  readonly since: number;
  readonly signal: AbortSignal;
}

/** Who hears what a consumer is sent. It never throws. */
export interface LogReceiver {
  /** In order per key. Each is to be acknowledged, sooner or later; what is not, comes again (G4). */
  received(messages: readonly ReceivedMessage[]): void;
  /** What was received and not acknowledged is void: it comes again. */
  lost(reason: Error): void;
  /**
   * Bytes that were no message; `reason` is one of few, to be counted. Or "expired": messages, of whatever type, and `count` of them at most,
   * that the engine let go of before the group had read them.
   */
  refused(reason: string, count?: number): void;
}

/** What is acknowledged by. It holds on to nothing of the message, which may be large and wait for long. */
export interface Receipt {
  readonly id: string;
  /** The engine's own handle of this delivery. */
  readonly receipt: unknown;
}

/** A message at a consumer. */
export interface ReceivedMessage extends LogMessage, Receipt {}

/** A consumer that takes part in its group until it is closed. */
export interface LogConsumer {
  /** Nothing is awaited: an acknowledgement that is lost brings the message again. What was `lost` in between is passed over. */
  acknowledge(messages: readonly Receipt[]): void;
  /** Sends the acknowledgements that wait, then ends. Idempotent. */
  close(): Promise<void>;
}
