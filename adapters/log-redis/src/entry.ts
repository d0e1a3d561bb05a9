import type { LogMessage } from "@banyan/kernel/log";

/** An entry of a stream as the client reads it: its id, and names and values by turns. */
export type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

/** A message's fields, as they are added: id, type, key and body. */
export function partsOf({ id, type, key, body }: LogMessage): readonly (string | Buffer)[] {
  return [id, type, key, Buffer.from(body.buffer, body.byteOffset, body.length)];
}

/** What an entry says that it is; "" where it says nothing. */
export function typeOf([, fields]: Entry): string {
  return fieldOf(fields, "type")?.toString() ?? "";
}

/** The message of an entry, or why it is none. */
export function messageOf(entry: Entry): LogMessage | "no_id" | "no_key" | "no_body" {
  const [, fields] = entry;
  const [id, key, body] = ["id", "key", "body"].map((name) => fieldOf(fields, name));
  if (id === undefined || id.length === 0) return "no_id";
  if (key === undefined || key.length === 0) return "no_key";
  if (body === undefined) return "no_body";
  return { id: id.toString(), type: typeOf(entry), key: key.toString(), body };
}

function fieldOf(fields: readonly Buffer[], name: string): Buffer | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.length === name.length && fields[at]?.toString("latin1") === name) return fields[at + 1];
  }
  return undefined;
}

/** Whether an entry's id, "<milliseconds>-<number>", comes before another one. */
export function isBefore(one: string, other: string): boolean {
  const [[oneMs = 0, oneNumber = 0], [otherMs = 0, otherNumber = 0]] = [one, other].map((id) =>
    id.split("-").map(Number),
  ) as [number[], number[]];
  return oneMs < otherMs || (oneMs === otherMs && oneNumber < otherNumber);
}
