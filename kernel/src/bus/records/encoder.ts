import type { ByteSink } from "../frame/codec.ts";
import { setU16, setU32 } from "../frame/frame.ts";
import { utf8BytesMax, writeUtf8 } from "../frame/text.ts";
import { form, tag } from "./layout.ts";
import { ShapesSent } from "./shapes-sent.ts";

/** Deeper values are for JSON, which has no limit of its own: writing calls itself for each level. */
const DEPTH_MAX = 100;
/** The most that a value comes to, without the values in it. */
const VALUE_BYTES_MAX = 9;
const KEPT_BYTES_MAX = 1_048_576;
/** Up to here a loop is quicker than the call of a copy. */
const FEW_BYTES = 64;

const none = Buffer.alloc(0);
/** A payload is written here first and then copied to its frame. Whoever writes takes it away meanwhile. */
let spare: Buffer | undefined;

/** Writes values as records, one payload behind the other. */
export class Encoder {
  private readonly shapes = new ShapesSent();
  private bytes: Buffer = none;
  private at = 0;
  private texts: string[] = [];

  /** Answers false, with nothing written, where records would deliver something else than JSON does. */
  encode(value: unknown, into: ByteSink): boolean {
    this.bytes = spare ?? Buffer.allocUnsafeSlow(65_536);
    spare = undefined;
    this.at = 1;
    this.shapes.begin();
    const isWritten = this.writeValue(value, 0);
    if (isWritten) this.finish(into);
    if (this.bytes.length <= KEPT_BYTES_MAX) spare = this.bytes;
    this.bytes = none;
    if (this.texts.length > 0) this.texts = [];
    return isWritten;
  }

  private finish(into: ByteSink): void {
    const { texts } = this;
    const added = this.shapes.added();
    this.shapes.sent();
    if (added === undefined && texts.length === 0) {
      this.bytes[0] = form.values;
      this.copy(into, 0);
      return;
    }
    this.bytes[0] = added === undefined ? form.texts : form.shapes;
    const behind = JSON.stringify(added === undefined ? texts : [added.from, added.shapes, texts]);
    this.copy(into, utf8BytesMax(behind) + 4);
    const { buffer, at } = into;
    const end = writeUtf8(buffer, at, behind);
    setU32(buffer, end, end - at);
    into.at = end + 4;
  }

  /** `more` is the room needed behind it. */
  private copy(into: ByteSink, more: number): void {
    const count = this.at;
    into.reserve(count + more);
    const { buffer, at } = into;
    if (count > FEW_BYTES) this.bytes.copy(buffer, at, 0, count);
    else for (let i = 0; i < count; i++) buffer[at + i] = this.bytes[i]!;
    into.at = at + count;
  }

  private writeValue(value: unknown, depth: number): boolean {
    if (this.at + VALUE_BYTES_MAX > this.bytes.length) this.grow();
    switch (typeof value) {
      case "string":
        this.bytes[this.at++] = tag.text;
        this.texts.push(value);
        return true;
      case "number":
        this.writeNumber(value);
        return true;
      case "boolean":
        this.bytes[this.at++] = value ? tag.true : tag.false;
        return true;
      case "undefined":
        // In a list. Of a record it is left out, and by itself it is no payload.
        this.bytes[this.at++] = tag.null;
        return depth > 0;
      case "object":
        if (value === null) {
          this.bytes[this.at++] = tag.null;
          return true;
        }
        return (
          depth < DEPTH_MAX && (Array.isArray(value) ? this.writeList(value, depth) : this.writeRecord(value, depth))
        );
      default:
        return false;
    }
  }

  private writeNumber(value: number): void {
    const bytes = this.bytes;
    if ((value | 0) === value) {
      if (value >= 0 && value <= 0x7f) {
        bytes[this.at++] = tag.smallInteger + value;
      } else {
        bytes[this.at++] = tag.integer;
        this.writeInt32(value);
      }
    } else if (value - value === 0) {
      bytes[this.at++] = tag.double;
      this.at = bytes.writeDoubleLE(value, this.at);
    } else {
      // NaN and the infinities differ from themselves.
      bytes[this.at++] = tag.null;
    }
  }

  private writeList(list: readonly unknown[], depth: number): boolean {
    if (Object.getPrototypeOf(list) !== Array.prototype) return false;
    this.bytes[this.at++] = tag.list;
    this.writeInt32(list.length);
    // By index: a hole reads as undefined.
    for (let i = 0; i < list.length; i++) if (!this.writeValue(list[i], depth + 1)) return false;
    return true;
  }

  private writeRecord(record: object, depth: number): boolean {
    const prototype: unknown = Object.getPrototypeOf(record);
    if (prototype !== Object.prototype && prototype !== null) return false;
    const shapeAt = this.at + 1;
    this.bytes[this.at] = tag.record;
    this.at += 3;
    let place = this.shapes.root;
    for (const name in record) {
      const value = (record as Record<string, unknown>)[name];
      if (value === undefined) continue;
      if (name === "__proto__" || !this.writeValue(value, depth + 1)) return false;
      place = this.shapes.place(place, name);
    }
    const shape = this.shapes.number(place);
    setU16(this.bytes, shapeAt, shape);
    return shape >= 0;
  }

  private writeInt32(value: number): void {
    setU32(this.bytes, this.at, value);
    this.at += 4;
  }

  private grow(): void {
    const grown = Buffer.allocUnsafeSlow(this.bytes.length * 2);
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}
