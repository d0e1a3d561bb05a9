import type { LogMessage } from "@banyan/kernel/log";
import type { Consumer, KafkaRecord, MessageToProduce, RecordsBatch } from "@platformatic/kafka";
import { murmur2 } from "./murmur2.ts";

const [idHeader, typeHeader] = ["ce_id", "ce_type"];
const contentType = Buffer.from("application/cloudevents+json");
const controlBit = 0x20;

/** Bytes that a record has beside its body, at most: a key of 1,024 bytes, the headers, and Kafka's own. */
export const overheadBytesMax = 1_536;

/** What a broker answers about one partition. */
type Answer = Awaited<ReturnType<Consumer["fetch"]>>["responses"][number]["partitions"][number];

/** What was read: a message, why it is none, or nothing of anybody's. */
export interface Entry {
  readonly partition: number;
  /** Where reading goes on after it. */
  readonly next: bigint;
  readonly read: LogMessage | "no_id" | "no_type" | "no_key" | "no_body" | undefined;
}

/** Structured CloudEvents over Kafka, with the two attributes that one chooses by beside it. */
export function recordOf({ id, type, key, body }: LogMessage, topic: string, partitions: number): MessageToProduce {
  const bytes = Buffer.from(key);
  return {
    topic,
    // As Java's clients do, which drop the sign; this one's own default keeps it, and sends half of the keys elsewhere.
    partition: (murmur2(bytes) & 0x7fffffff) % partitions,
    key: bytes,
    value: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    headers: new Map([
      [header("content-type"), contentType],
      [header(idHeader), Buffer.from(id)],
      [header(typeHeader), Buffer.from(type)],
    ]),
  };
}

const headers = new Map<string, Buffer>();

/** A header's name in bytes, made once. */
function header(name: string): Buffer {
  const bytes = headers.get(name) ?? Buffer.from(name);
  headers.set(name, bytes);
  return bytes;
}

/** What one partition's answer holds from an offset on: Kafka gives whole batches, with what was there before it. */
export function* entriesOf(partition: Answer, from: bigint): Generator<Entry> {
  for (const batch of partition.records ?? []) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
    let next = from;
    for (const record of recordsOf(batch)) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta);
      if (offset < from) continue;
      next = offset + 1n;
      yield { partition: partition.partitionIndex, next, read: messageOf(record) };
    }
    // What transactions mark and what was compacted away leave offsets without a message.
    if (next < end) yield { partition: partition.partitionIndex, next: end, read: undefined };
  }
}

const recordsOf = ({ attributes, records }: RecordsBatch) => ((attributes & controlBit) === 0 ? records : []);

function messageOf({ key, value, headers: fields }: KafkaRecord): Entry["read"] {
  let [id, type] = ["", ""];
  for (const [name, field] of fields) {
    const called = name?.toString("latin1");
    if (called === idHeader) id = field?.toString() ?? "";
    else if (called === typeHeader) type = field?.toString() ?? "";
  }
  if (id === "") return "no_id";
  if (type === "") return "no_type";
  if (key === null || key.length === 0) return "no_key";
  return value === null ? "no_body" : { id, type, key: key.toString(), body: value };
}
