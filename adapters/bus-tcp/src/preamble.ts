import { type Refusal, Refused } from "./refusal.ts";

/** What the dialling end says first. */
export interface Hello {
  /** "frames": calls between the two nodes. "topics": the dialling end publishes and subscribes through the other. */
  readonly purpose: "frames" | "topics";
  readonly id: string;
  /** Where the dialling end listens; "" where it does not. */
  readonly address: string;
  /** The node that is wanted; "" for whoever answers. */
  readonly to: string;
  /** It was refused as crossed before, and the other's connection did not come: take this one. */
  readonly insists: boolean;
}

/** What the other end answers; no `refused` is a welcome. */
export interface Answer {
  readonly id: string;
  readonly refused?: Refusal;
}

/**
 * A connection opens with one preamble from each end, the dialling one first: "BNYN", the version, the length of what follows
 * (2 bytes, little-endian), JSON. Four letters tell foreign protocols apart at their first byte.
 */
const MAGIC = Buffer.from("BNYN");
const VERSION = 1;
const HEADER_BYTES = MAGIC.length + 3;
/** An id of 64 bytes, an address of 300 and the keys fit in well. */
const BODY_BYTES_MAX = 1_024;
const ID = /^[\w-]{1,64}$/;
const ADDRESS_LENGTH_MAX = 300;

export function encodePreamble(body: Hello | Answer): Buffer {
  const json = Buffer.from(JSON.stringify(body));
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt8(VERSION, MAGIC.length);
  header.writeUInt16LE(json.length, MAGIC.length + 1);
  return Buffer.concat([header, json]);
}

/** Collects a preamble from the pieces it arrives in; at most one preamble and one piece are ever held. */
export class PreambleReader {
  #seen: Buffer = Buffer.alloc(0);

  /** The JSON and the bytes behind it once it is whole. Raises `Refused` as soon as it cannot become one. */
  push(piece: Buffer): { readonly body: unknown; readonly rest: Buffer } | undefined {
    this.#seen = Buffer.concat([this.#seen, piece]);
    const magic = this.#seen.subarray(0, MAGIC.length);
    if (!magic.equals(MAGIC.subarray(0, magic.length))) {
      throw new Refused("foreign", `it began with ${printable(this.#seen)}`);
    }
    if (this.#seen.length < HEADER_BYTES) return undefined;
    const version = this.#seen.readUInt8(MAGIC.length);
    if (version !== VERSION) throw new Refused("version", `it speaks version ${version}, this node ${VERSION}`);
    const end = HEADER_BYTES + this.#seen.readUInt16LE(MAGIC.length + 1);
    if (end > HEADER_BYTES + BODY_BYTES_MAX) throw new Refused("garbled", `a preamble of ${end} bytes`);
    if (this.#seen.length < end) return undefined;
    return { body: parse(this.#seen.subarray(HEADER_BYTES, end)), rest: this.#seen.subarray(end) };
  }
}

export function checkHello(body: unknown): Hello {
  const { purpose, id, address, to, insists } = body as Partial<Record<keyof Hello, unknown>>;
  const isHello =
    (purpose === "frames" || purpose === "topics") &&
    isId(id) &&
    typeof address === "string" &&
    address.length <= ADDRESS_LENGTH_MAX &&
    (to === "" || isId(to)) &&
    typeof insists === "boolean";
  if (!isHello) throw new Refused("garbled", "a preamble that lacks what it should say");
  return { purpose, id, address, to, insists };
}

export function checkAnswer(body: unknown): Answer {
  const { id, refused } = body as Partial<Record<keyof Answer, unknown>>;
  if (!isId(id)) throw new Refused("garbled", "an answer without a name");
  return typeof refused === "string" ? { id, refused: refused as Refusal } : { id };
}

export function isId(value: unknown): value is string {
  return typeof value === "string" && ID.test(value);
}

function parse(json: Buffer): unknown {
  try {
    const body: unknown = JSON.parse(json.toString());
    if (typeof body === "object" && body !== null) return body;
  } catch {}
  throw new Refused("garbled", "a preamble that is no JSON object");
}

/** The first bytes for a log line: one line, nothing that a terminal obeys. */
function printable(bytes: Buffer): string {
  return JSON.stringify(
    bytes
      .subarray(0, 16)
      .toString("latin1")
      .replace(/[^ -~]/g, "."),
  );
}
