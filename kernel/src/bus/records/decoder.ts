import { u16, u32 } from "../frame/frame.ts";
import { form, NAMES_MAX, SHAPES_MAX, tag } from "./layout.ts";

const none = Buffer.alloc(0);

/** A shape as it is read: the names of its fields, and a record with all of them, of which a copy is made for each that arrives. */
type Shape = { readonly names: readonly string[]; readonly blank: Readonly<Record<string, unknown>> };

/**
 * Reads what an `Encoder` wrote, in the same order; a payload that comes again is read again. It throws at anything else, and the
 * session is then of no use.
 */
export class Decoder {
  private readonly shapes: Shape[] = [];
  private texts: readonly unknown[] = [];
  private nextText = 0;
  private bytes: Buffer = none;
  private at = 0;
  private end = 0;

  decode(bytes: Buffer, start: number, end: number): unknown {
    const said = bytes[start]!;
    this.bytes = bytes;
    this.at = start + 1;
    this.end = end;
    if (said !== form.values) this.readBehind(said);
    const value = this.readValue();
    if (this.at !== this.end) throw new RangeError("values and texts do not meet");
    this.bytes = none;
    this.texts = [];
    return value;
  }

  private readBehind(said: number): void {
    const textsEnd = this.end - 4;
    if (textsEnd < this.at) throw new RangeError("too short");
    this.end = textsEnd - u32(this.bytes, textsEnd);
    if (this.end < this.at) throw new RangeError("texts longer than the payload");
    const behind: unknown = JSON.parse(this.bytes.toString("utf8", this.end, textsEnd));
    this.texts = listOf(said === form.shapes ? this.learn(listOf(behind)) : behind);
    this.nextText = 0;
  }

  /** Answers the texts. */
  private learn([from, shapes, texts]: readonly unknown[]): unknown {
    // A shape behind a gap would be the first of an array full of holes.
    if (!isNumber(from) || from > this.shapes.length) throw new RangeError("no number");
    let number = from;
    for (const names of listOf(shapes)) this.shapes[number++] = shapeOf(listOf(names));
    if (number > SHAPES_MAX) throw new RangeError("more shapes than a session has");
    return texts;
  }

  private readValue(): unknown {
    if (this.at >= this.end) throw new RangeError("values end too soon");
    const kind = this.bytes[this.at++]!;
    if (kind >= tag.smallInteger) return kind - tag.smallInteger;
    switch (kind) {
      case tag.null:
        return null;
      case tag.false:
        return false;
      case tag.true:
        return true;
      case tag.integer:
        this.at += 4;
        return u32(this.bytes, this.at - 4) | 0;
      case tag.double:
        this.at += 8;
        return this.bytes.readDoubleLE(this.at - 8);
      case tag.text:
        return this.readText();
      case tag.list:
        return this.readList();
      case tag.record:
        return this.readRecord();
      default:
        throw new RangeError(`no value begins with ${kind}`);
    }
  }

  private readText(): string {
    const text = this.texts[this.nextText++];
    if (typeof text !== "string") throw new TypeError("a text is missing");
    return text;
  }

  private readList(): unknown[] {
    this.at += 4;
    const length = u32(this.bytes, this.at - 4);
    // Each takes a byte at least: so nothing is set aside that was not sent.
    if (length > this.end - this.at) throw new RangeError("a list longer than the payload");
    const list = new Array<unknown>(length);
    for (let i = 0; i < length; i++) list[i] = this.readValue();
    return list;
  }

  private readRecord(): Record<string, unknown> {
    this.at += 2;
    const shape = this.shapes[u16(this.bytes, this.at - 2)];
    if (shape === undefined) throw new RangeError("a shape that was not sent");
    const record = { ...shape.blank };
    for (const name of shape.names) record[name] = this.readValue();
    return record;
  }
}

const isNumber = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

function shapeOf(names: readonly unknown[]): Shape {
  if (names.length > NAMES_MAX) throw new RangeError("more names than a record has");
  const blank: Record<string, unknown> = {};
  for (const name of names) {
    if (typeof name !== "string" || name === "__proto__") throw new TypeError("no name of a field");
    blank[name] = null;
  }
  return { names: names as readonly string[], blank };
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("no list");
  return value;
}
