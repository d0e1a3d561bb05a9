import type { NodeRef } from "@banyan/kernel/bus";
import type { Met } from "../dial.ts";
import type { Visitor } from "../door.ts";
import type { Refused } from "../refusal.ts";
import { Seed } from "./seed.ts";
import { encodeTopicFrame, type Publication, TOPIC_MESSAGE_BYTES_MAX, type TopicHead } from "./topic-frame.ts";
import { TopicLink } from "./topic-link.ts";

type Listener = (from: NodeRef, message: Uint8Array) => void;

/** What topics need of their bus. */
export interface TopicsHome {
  /** Its address is known once it listens. */
  self(): NodeRef;
  readonly seeds: readonly string[];
  dial(seed: string, signal: AbortSignal): Promise<Met>;
  refused(error: Refused, detail: string): void;
}

/** Questions whose seeds have not all answered: those of which one seed knows a subscriber never have. */
const QUESTIONS_MAX = 1_000;
/** Publishers whose last message is remembered; the one unheard of for longest goes first. */
const PUBLISHERS_MAX = 10_000;
const TOPICS_PER_NODE_MAX = 1_000;

/** Somebody for whom this node is a seed. */
interface Subscriber {
  readonly node: NodeRef;
  readonly link: TopicLink;
  readonly topics: Set<string>;
}

/** What was published by somebody who is to know whether nobody subscribes. */
interface Question {
  readonly unheard: () => void;
  /** Seeds that have not said that they know nobody. */
  seedsLeft: number;
}

/**
 * Topics without a broker. Each node keeps a connection to every seed and publishes to all of them; a seed hands a message to those
 * of its own connections that subscribed, and never to another seed. So a message makes one hop, costs each subscriber one copy per
 * seed, and arrives while any seed lives that both ends reach. Copies are told by the publisher's sequence.
 */
export class Topics {
  readonly #home: TopicsHome;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #seeds: readonly Seed[];
  readonly #heard = new Map<string, number>();
  /** By sequence. */
  readonly #questions = new Map<number, Question>();
  #sequence = 0;

  constructor(home: TopicsHome) {
    this.#home = home;
    this.#seeds = home.seeds.map(
      (address) =>
        new Seed({
          self: home.self().id,
          dial: (signal) => home.dial(address, signal),
          greeting: () => [...this.#listeners.keys()].map((topic) => encodeTopicFrame({ do: "subscribe", topic })),
          received: (head, message) => {
            if (head.do === "publish") this.#deliver(head, message);
            if (head.do === "unheard") this.#unheard(head.sequence);
          },
          refused: (error) => home.refused(error, `seed ${address}`),
        }),
    );
  }

  /** Resolves when one seed is there, or each was tried once. Those that are away are tried again until `end`. */
  async start(): Promise<void> {
    await Promise.any(this.#seeds.map((seed) => seed.start())).catch(() => {});
  }

  publish(topic: string, message: Uint8Array, unheard?: () => void): void {
    if (message.length > TOPIC_MESSAGE_BYTES_MAX) {
      throw new RangeError(
        `a message of ${message.length} bytes for topic ${topic}: ${TOPIC_MESSAGE_BYTES_MAX} at most`,
      );
    }
    const sequence = ++this.#sequence;
    const asks = unheard !== undefined;
    const publication: Publication = { do: "publish", topic, sequence, from: this.#home.self(), asks };
    const frame = encodeTopicFrame(publication, message);
    for (const seed of this.#seeds) seed.send(frame);
    if (asks && !this.#isHeard(publication)) this.#ask(sequence, unheard);
    this.#relay(publication, frame);
    this.#deliver(publication, message);
  }

  /** A seed that is away may know somebody. */
  #ask(sequence: number, unheard: () => void): void {
    const states = this.#seeds.map(({ state }) => state);
    if (states.includes("away")) return;
    const seedsLeft = states.filter((state) => state === "there").length;
    if (seedsLeft === 0) process.nextTick(unheard);
    else this.#questions.set(sequence, { unheard, seedsLeft });
    const [oldest] = this.#questions.keys();
    if (this.#questions.size > QUESTIONS_MAX && oldest !== undefined) this.#questions.delete(oldest);
  }

  #unheard(sequence: number): void {
    const question = this.#questions.get(sequence);
    if (question === undefined || --question.seedsLeft > 0) return;
    this.#questions.delete(sequence);
    question.unheard();
  }

  subscribe(topic: string, listener: Listener): () => void {
    let listeners = this.#listeners.get(topic);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(topic, listeners);
      this.#tellSeeds({ do: "subscribe", topic });
    }
    listeners.add(listener);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#listeners.delete(topic);
      this.#tellSeeds({ do: "unsubscribe", topic });
    };
  }

  #tellSeeds(head: TopicHead): void {
    const frame = encodeTopicFrame(head);
    for (const seed of this.#seeds) seed.send(frame);
  }

  /** Takes in a node for which this one is a seed. */
  meet({ hello, services, accept }: Visitor): void {
    const { socket, rest } = accept();
    const node: NodeRef = { id: hello.id, address: hello.address, ...(services !== undefined && { services }) };
    const subscriber: Subscriber = {
      node,
      topics: new Set(),
      link: new TopicLink(socket, {
        received: (head, message) => this.#obey(subscriber, head, message),
        garbled: (error) => this.#home.refused(error, `topics of ${node.id}`),
        closed: () => this.#subscribers.delete(subscriber),
      }),
    };
    this.#subscribers.add(subscriber);
    subscriber.link.start(rest);
  }

  #obey({ node, topics, link }: Subscriber, head: TopicHead, message: Buffer): void {
    if (head.do === "subscribe" && topics.size < TOPICS_PER_NODE_MAX) topics.add(head.topic);
    if (head.do === "unsubscribe") topics.delete(head.topic);
    if (head.do !== "publish") return;
    // Who it is from says the connection: nobody publishes in another's name.
    const publication = { ...head, from: node };
    if (head.asks && !this.#isHeard(publication))
      link.send(encodeTopicFrame({ do: "unheard", sequence: head.sequence }));
    this.#relay(publication, encodeTopicFrame(publication, message));
    this.#deliver(publication, message);
  }

  /** Whether this node knows anybody who subscribes, but for who published. */
  #isHeard({ topic, from }: Publication): boolean {
    if (this.#listeners.has(topic)) return true;
    return [...this.#subscribers].some(({ node, topics }) => node.id !== from.id && topics.has(topic));
  }

  #relay({ topic, from }: Publication, frame: Buffer): void {
    for (const { node, topics, link } of this.#subscribers) {
      if (node.id !== from.id && topics.has(topic)) link.send(frame);
    }
  }

  #deliver({ topic, sequence, from }: Publication, message: Uint8Array): void {
    if (sequence <= (this.#heard.get(from.id) ?? 0)) return;
    this.#heard.delete(from.id);
    this.#heard.set(from.id, sequence);
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > PUBLISHERS_MAX && oldest !== undefined) this.#heard.delete(oldest);
    for (const listener of this.#listeners.get(topic) ?? []) listener(from, message);
  }

  /** Sends what was taken and ends the connections; resolves when they are closed. */
  async end(): Promise<void> {
    const subscribers = [...this.#subscribers].map(({ link }) => link.end());
    await Promise.all([...subscribers, ...this.#seeds.map((seed) => seed.end())]);
  }

  /** Breaks off what is left. */
  destroy(): void {
    for (const seed of this.#seeds) seed.destroy();
    for (const { link } of this.#subscribers) link.destroy();
  }
}
