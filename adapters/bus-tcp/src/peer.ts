import { type BusReceiver, busFaults, type NodeRef, type Outgoing } from "@banyan/kernel/bus";
import { backoffMs } from "./backoff.ts";
import type { Met } from "./dial.ts";
import type { Visitor } from "./door.ts";
import { Link } from "./link.ts";
import type { Hello } from "./preamble.ts";
import { Refused } from "./refusal.ts";
import type { Wakefulness } from "./wakefulness.ts";

/** What a peer needs of its bus. */
export interface PeerHome {
  readonly id: string;
  readonly receiver: BusReceiver;
  readonly wakefulness: Wakefulness;
  dial(node: NodeRef, insists: boolean, signal: AbortSignal): Promise<Met>;
  /** Nothing is left of this peer that would be worth remembering. */
  done(peer: Peer): void;
}

/** More waits for a connection than should. */
const WAITING_BYTES_HIGH = 256 * 1_024;
const WAITING_BYTES_MAX = 16 * 1_024 * 1_024;
/** The other's connection was on its way when ours was refused for it. */
const CROSSED_PATIENCE_MS = 200;
/** A connection that lived for less was none: reconnecting waits as if it had been refused. */
const LIFE_MIN_MS = 1_000;

/**
 * Another node, as this one reaches it.
 * P1  At most one link. What comes from an older one is never heard after `lost`.
 * P2  Where both dial at once, the link stays that the node with the smaller id dialled. Each end decides so by itself.
 * P3  A batch waits only while a dial is under way; where one failed, it fails at once until the backoff is over.
 * P4  Every batch is told sent or failed exactly once.
 * P5  Nothing is sent to a node that is said to offer what its own certificate does not name.
 */
export class Peer {
  /** As it introduced itself last. */
  node: NodeRef;
  readonly #home: PeerHome;
  #link: Link | undefined;
  #linkedMs = 0;
  #dialled = false;
  #attempt: AbortController | undefined;
  #waiting: Outgoing[] = [];
  #waitingBytes = 0;
  #failures = 0;
  #restUntilMs = 0;
  #why: unknown;
  #said: NodeRef;

  constructor(node: NodeRef, home: PeerHome) {
    this.node = node;
    this.#said = node;
    this.#home = home;
  }

  /** Takes note of what others say of it: a seed is believed in what it says of a node until the node shows its certificate. */
  hearOf(said: NodeRef): void {
    if (said === this.#said) return;
    this.#said = said;
    if (this.#link !== undefined && !this.#mayOffer(this.node.services)) this.#lose(this.#link, this.#notNamed());
  }

  #mayOffer(services: readonly string[] | undefined): boolean {
    return services === undefined || (this.#said.services ?? []).every((service) => services.includes(service));
  }

  #notNamed(): Refused {
    const detail = `${this.node.id} is said to offer ${this.#said.services?.join(", ")}, and its certificate does not`;
    this.#home.receiver.refused("service_not_named", detail);
    return new Refused("service_not_named", detail);
  }

  send(batch: Outgoing): boolean {
    if (this.#link !== undefined) {
      this.#home.wakefulness.wrote();
      return this.#link.write(batch);
    }
    const isFull = this.#waitingBytes + batch.frames.length > WAITING_BYTES_MAX;
    if (isFull || (this.#attempt === undefined && performance.now() < this.#restUntilMs)) {
      const reason = unreachable(this.node, isFull ? new Error("too much waits for it") : this.#why);
      process.nextTick(() => batch.failed(reason));
      return !isFull;
    }
    this.#waiting.push(batch);
    this.#waitingBytes += batch.frames.length;
    if (this.#attempt === undefined) void this.#dial(false);
    return this.#waitingBytes < WAITING_BYTES_HIGH;
  }

  async #dial(insists: boolean): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    try {
      const met = await this.#home.dial(this.node, insists, attempt.signal);
      const mayOffer = this.#mayOffer(met.services);
      if (attempt.signal.aborted || !mayOffer) met.socket.destroy();
      if (attempt.signal.aborted) return;
      if (!mayOffer) throw this.#notNamed();
      this.#establish({ ...met, address: this.node.address }, true);
    } catch (error) {
      if (attempt.signal.aborted) return;
      if (error instanceof Refused && error.reason === "crossed" && !insists) this.#awaitTheirs(attempt.signal);
      else this.#rest(error);
    }
  }

  #awaitTheirs(signal: AbortSignal): void {
    const timer = setTimeout(() => void this.#dial(true), CROSSED_PATIENCE_MS);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  /** Decides whether the connection that this node came with is the one to keep. */
  meet(visitor: Visitor): void {
    const { hello, services } = visitor;
    if (!this.#isWelcome(hello)) visitor.refuse("crossed");
    else if (!this.#mayOffer(services)) visitor.refuse("service_not_named");
    else this.#establish({ ...visitor.accept(), id: hello.id, address: hello.address, services }, false);
  }

  #isWelcome({ insists, id }: Hello): boolean {
    if (insists) return true;
    // It gave up the link that it had dialled, else it would not dial; the one dialled here it may not know of yet.
    if (this.#link !== undefined) return !this.#dialled;
    return this.#attempt === undefined || id < this.#home.id;
  }

  #establish({ socket, rest, ...node }: Met & { readonly address: string }, dialled: boolean): void {
    if (this.#link !== undefined) this.#lose(this.#link, new Error("the node connected anew"));
    this.#attempt?.abort();
    this.#attempt = undefined;
    const { id, address, services } = node;
    this.node = services === undefined ? { id, address } : { id, address, services };
    const link = new Link(socket, {
      received: (bytes) => {
        if (this.#link !== link) return;
        this.#home.wakefulness.heard();
        this.#home.receiver.received(this.node, bytes);
      },
      writable: () => this.#link === link && this.#home.receiver.writable(this.node),
      closed: (reason) => {
        if (this.#link !== link) return;
        this.#lose(link, reason);
        if (this.#attempt === undefined && this.#failures === 0) this.#home.done(this);
      },
    });
    this.#link = link;
    this.#linkedMs = performance.now();
    this.#dialled = dialled;
    this.#flush(link);
    link.start(rest);
  }

  #flush(link: Link): void {
    const wasFull = this.#waitingBytes >= WAITING_BYTES_HIGH;
    let hasRoom = true;
    for (const batch of this.#takeWaiting()) hasRoom = link.write(batch);
    if (wasFull && hasRoom) this.#home.receiver.writable(this.node);
  }

  #lose(link: Link, reason: Error): void {
    this.#link = undefined;
    link.destroy(reason);
    if (this.#dialled && performance.now() - this.#linkedMs < LIFE_MIN_MS) this.#rest(reason);
    else this.#failures = 0;
    // Last: the receiver may send at once, and so begin the next dial.
    this.#home.receiver.lost(this.node, reason);
  }

  #rest(why: unknown): void {
    this.#attempt = undefined;
    this.#why = why;
    this.#restUntilMs = performance.now() + backoffMs(this.#failures++);
    const reason = unreachable(this.node, why);
    for (const batch of this.#takeWaiting()) batch.failed(reason);
  }

  #takeWaiting(): Outgoing[] {
    this.#waitingBytes = 0;
    return this.#waiting.splice(0);
  }

  /** Ends it after what was taken is sent; resolves when nothing is left. What still comes is heard. */
  async end(): Promise<void> {
    this.#attempt?.abort();
    this.#attempt = undefined;
    const reason = unreachable(this.node, new Error("the node was forgotten, or this one closes"));
    for (const batch of this.#takeWaiting()) batch.failed(reason);
    await this.#link?.end();
  }

  /** Breaks it off, without a word to the receiver. */
  destroy(): void {
    const link = this.#link;
    void this.end();
    this.#link = undefined;
    link?.destroy(new Error("closed here"));
  }
}

function unreachable({ id, address }: NodeRef, cause: unknown): Error {
  return busFaults.unavailable(undefined, { cause: new Error(`${id} at ${address || "no address"}`, { cause }) });
}
