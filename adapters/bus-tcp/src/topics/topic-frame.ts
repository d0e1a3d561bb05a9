import type { NodeRef } from "@banyan/kernel/bus";
import { isId } from "../preamble.ts";
import { Refused } from "../refusal.ts";

/** What one end of a connection to a seed tells the other. */
export type TopicHead =
  | { readonly do: "subscribe" | "unsubscribe"; readonly topic: string }
  | Publication
  /** By a seed: it knows nobody who subscribes to what was published with this sequence. */
  | { readonly do: "unheard"; readonly sequence: number }
  /** Says that this end is alive. */
  | { readonly do: "ping" };

/** `from` is who published it: as the seed knows it from the connection, whatever the publisher says. */
export interface Publication {
  readonly do: "publish";
  readonly topic: string;
  /** Grows by one with each message of its publisher, so that what comes through two seeds is heard once. */
  readonly sequence: number;
  readonly from: NodeRef;
  /** Whether the seed is to say where nobody subscribes. */
  readonly asks: boolean;
}

/** A frame is its length (4 bytes, little-endian, without these), the length of its head (2 bytes), the head as JSON, the message. */
const LENGTH_BYTES = 4;
const HEAD_LENGTH_BYTES = 2;
export const TOPIC_MESSAGE_BYTES_MAX = 256 * 1_024;
const TOPIC_LENGTH_MAX = 200;
/** A certificate may name many services, and the head of a message repeats them. */
const HEAD_BYTES_MAX = 16 * 1_024;

export function encodeTopicFrame(head: TopicHead, message: Uint8Array = new Uint8Array(0)): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const frame = Buffer.alloc(LENGTH_BYTES + HEAD_LENGTH_BYTES + json.length + message.length);
  frame.writeUInt32LE(frame.length - LENGTH_BYTES);
  frame.writeUInt16LE(json.length, LENGTH_BYTES);
  json.copy(frame, LENGTH_BYTES + HEAD_LENGTH_BYTES);
  frame.set(message, LENGTH_BYTES + HEAD_LENGTH_BYTES + json.length);
  return frame;
}

/** Cuts what arrives into frames. Holds one frame at most. */
export class TopicReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Raises `Refused` ("garbled") at the first byte that fits no frame. The message is the reader's again when `each` returns. */
  push(bytes: Buffer, each: (head: TopicHead, message: Buffer) => void): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt32LE();
      if (length < HEAD_LENGTH_BYTES || length > HEAD_LENGTH_BYTES + HEAD_BYTES_MAX + TOPIC_MESSAGE_BYTES_MAX) {
        throw new Refused("garbled", `a topic frame of ${length} bytes`);
      }
      if (rest.length < LENGTH_BYTES + length) break;
      const frame = rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
      const headEnd = HEAD_LENGTH_BYTES + frame.readUInt16LE();
      each(checkHead(frame.subarray(HEAD_LENGTH_BYTES, headEnd)), frame.subarray(headEnd));
      rest = rest.subarray(LENGTH_BYTES + length);
    }
    // A copy: the bytes are the socket's.
    this.#rest = Buffer.from(rest);
  }
}

function checkHead(json: Buffer): TopicHead {
  let head: Partial<Record<string, unknown>> | null = null;
  try {
    head = JSON.parse(json.toString());
  } catch {}
  const { do: what, topic, sequence, from, asks = false } = Object(head) as Partial<Record<string, unknown>>;
  if (what === "ping") return { do: "ping" };
  if (what === "unheard" && Number.isSafeInteger(sequence)) return { do: "unheard", sequence: sequence as number };
  if (typeof topic === "string" && topic.length <= TOPIC_LENGTH_MAX) {
    if (what === "subscribe" || what === "unsubscribe") return { do: what, topic };
    if (what === "publish" && Number.isSafeInteger(sequence) && isNodeRef(from)) {
      return { do: "publish", topic, sequence: sequence as number, from, asks: asks === true };
    }
  }
  throw new Refused("garbled", "a topic frame that says nothing known");
}

function isNodeRef(value: unknown): value is NodeRef {
  const { id, address, services } = Object(value) as Partial<Record<keyof NodeRef, unknown>>;
  const named = services === undefined || (Array.isArray(services) && services.every((one) => typeof one === "string"));
  return isId(id) && typeof address === "string" && named;
}
