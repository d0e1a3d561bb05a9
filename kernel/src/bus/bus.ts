import type { OutsideServer } from "../call/health-check.ts";

/** Where a node is reached: its name, new with each start of its process, and what its bus said of its place. */
export interface NodeRef {
  /** "neopay-7f3a9c": letters, digits, "-" and "_", up to 64. */
  readonly id: string;
  /** `Bus.address` of that node: "10.0.0.7:4100", or "" where a broker knows the way by the name. */
  readonly address: string;
  /**
   * What its certificate lets it offer: whoever announces or answers for another service is to be refused. Undefined where the bus
   * lets in everybody who can reach it.
   */
  readonly services?: readonly string[];
}

/** What a bus can do beyond moving bytes. */
export interface BusTraits {
  /** "direct": one connection for each pair of nodes that talk. "broker": all through a server. */
  readonly path: "direct" | "broker";
  /** The largest `Outgoing.frames` it moves, in bytes. */
  readonly batchBytesMax: number;
  /** Batches arrive as they were sent; where false, as a stream of bytes that may be cut anywhere. */
  readonly keepsBatches: boolean;
  /** It has groups: what is sent to one reaches a single member. Where false, `join` and `sendToGroup` throw. */
  readonly groups: boolean;
}

/** Whole frames, one behind the other, on their way to one place. The bus calls exactly one of the two, once. */
export interface Outgoing {
  readonly frames: Uint8Array;
  /** The bytes are handed over and may be reused. It does not say that they arrived. */
  sent(): void;
  /** None of it was handed over; the calls in it may be tried elsewhere. */
  failed(reason: Error): void;
}

/** Who hears what arrives. It never throws. The bytes are the bus's again when the call returns. */
export interface BusReceiver {
  /** From one node in the order of its sending, without gaps for as long as no `lost` comes between. */
  received(from: NodeRef, frames: Uint8Array): void;
  /** The way to the node is gone: whatever was under way in either direction may not have arrived. */
  lost(node: NodeRef, reason: Error): void;
  /** After a `send` that answered false: there is room again. */
  writable(node: NodeRef): void;
  /** Somebody, or what somebody sent, was turned away. `reason` is one of few ("certificate_expired"), to be counted; `detail` is for the log. */
  refused(reason: string, detail: string): void;
}

/**
 * Carries frames between nodes: at most once, ordered per pair. What frames mean (calls, answers, streams, pings), when to give up
 * and whom to ask is the kernel's; a bus reconnects by itself and retries nothing.
 */
export interface Bus {
  readonly traits: BusTraits;
  /** Where others reach this node, once it is open. */
  readonly address: string;
  /** The broker; absent where nodes talk to each other. To be asked once it is open. */
  readonly server?: OutsideServer;
  /** Takes part under this name. Raises `busFaults.unavailable` where the network or the broker does not let it. */
  open(options: { readonly id: string; readonly receiver: BusReceiver; readonly signal: AbortSignal }): Promise<void>;
  /** False: more is queued for this node than should be; the batch was taken all the same. Connects where it must. */
  send(to: NodeRef, batch: Outgoing): boolean;
  /** To one member of the group, by the broker's choice; fails at once where it has no member. Only where `traits.groups`. */
  sendToGroup(group: string, batch: Outgoing): boolean;
  /** Takes part in a group until the answered function is called; what comes goes to the receiver. */
  join(group: string): () => void;
  /**
   * To every subscriber of the topic that there is now. Small, rare: announcements, not data. `unheard` is called, later and once, where
   * it is certain that there was none; a bus that cannot tell, as while it is cut off, does not call it.
   */
  publish(topic: string, message: Uint8Array, unheard?: () => void): void;
  subscribe(topic: string, listener: (from: NodeRef, message: Uint8Array) => void): () => void;
  /**
   * Closes what leads to a node that is not needed, without a word to the receiver: whoever asks for it has settled what was under
   * way.
   */
  forget(node: NodeRef): void;
  /** Sends what was taken, for `deadlineMs` at most, then closes everything it opened. Idempotent. */
  close(options: { readonly deadlineMs: number }): Promise<void>;
}
