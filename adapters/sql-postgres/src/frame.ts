import type { EncodedParameter } from "./parameter.ts";

/** Message types of the frontend (PostgreSQL documentation, 53.7). */
const BIND = 0x42;
const CLOSE = 0x43;
const DESCRIBE = 0x44;
const EXECUTE = 0x45;
const FLUSH = 0x48;
const PARSE = 0x50;
const SYNC = 0x53;
const STATEMENT = 0x53;

/** Up to this length a loop over the characters is quicker than a call into the runtime. */
const LOOPED_MAX = 64;

/** One write's worth is copied out of this; it grows to the largest write so far, up to KEPT_BYTES_MAX. */
let scratch = Buffer.allocUnsafeSlow(16 * 1024);
const KEPT_BYTES_MAX = 1024 * 1024;

/**
 * Writes the messages of one batch into one buffer, in place of `pg`'s serializer, which makes a buffer and calls into the runtime
 * for each message. Measured side by side: 1.2 us a batch of four statements against 2.8, and in a busy process a tenth of the
 * CPU that a command costs Node. A test holds it to `pg`'s bytes.
 */
export class Frame {
  #at = 0;

  parse(name: string, text: string): void {
    const start = this.#begin(PARSE);
    this.#terminated(name);
    this.#terminated(text);
    this.#int16(0);
    this.#end(start);
  }

  describe(name: string): void {
    this.#named(DESCRIBE, name);
  }

  close(name: string): void {
    this.#named(CLOSE, name);
  }

  /** Binds to the unnamed portal and executes it to its end; rows come as text. */
  bindAndExecute(name: string, parameters: readonly EncodedParameter[]): void {
    const start = this.#begin(BIND);
    this.#byte(0);
    this.#terminated(name);
    this.#formats(parameters);
    this.#int16(parameters.length);
    for (let index = 0; index < parameters.length; index++) this.#parameter(parameters[index] as EncodedParameter);
    this.#int16(0);
    this.#end(start);
    const execute = this.#begin(EXECUTE);
    this.#byte(0);
    this.#int32(0);
    this.#end(execute);
  }

  /** Ends the batch, and its transaction where no BEGIN opened one. The frame is empty again. */
  sync(): Buffer {
    return this.#ended(SYNC);
  }

  /** Ends the batch, and leaves its transaction open. The frame is empty again. */
  flush(): Buffer {
    return this.#ended(FLUSH);
  }

  #ended(type: number): Buffer {
    this.#end(this.#begin(type));
    const bytes = Buffer.allocUnsafe(this.#at);
    scratch.copy(bytes, 0, 0, this.#at);
    this.#at = 0;
    if (scratch.length > KEPT_BYTES_MAX) scratch = Buffer.allocUnsafeSlow(KEPT_BYTES_MAX);
    return bytes;
  }

  #named(type: number, name: string): void {
    const start = this.#begin(type);
    this.#byte(STATEMENT);
    this.#terminated(name);
    this.#end(start);
  }

  /** One format for each parameter, or none at all where all are text. */
  #formats(parameters: readonly EncodedParameter[]): void {
    if (!parameters.some((value) => typeof value === "object" && value !== null)) {
      this.#int16(0);
      return;
    }
    this.#int16(parameters.length);
    for (const value of parameters) this.#int16(typeof value === "object" && value !== null ? 1 : 0);
  }

  #parameter(value: EncodedParameter): void {
    if (value === null) {
      this.#int32(-1);
      return;
    }
    const lengthAt = this.#at;
    this.#int32(0);
    if (typeof value === "string") this.#text(value);
    else {
      this.#reserve(value.length);
      scratch.set(value, this.#at);
      this.#at += value.length;
    }
    this.#int32At(lengthAt, this.#at - lengthAt - 4);
  }

  #terminated(text: string): void {
    this.#text(text);
    this.#byte(0);
  }

  #text(text: string): void {
    const { length } = text;
    // A UTF-16 unit becomes at most three bytes.
    this.#reserve(length * 3);
    if (length > LOOPED_MAX) {
      this.#at += scratch.write(text, this.#at);
      return;
    }
    const start = this.#at;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) {
        this.#at = start + scratch.write(text, start);
        return;
      }
      scratch[start + index] = unit;
    }
    this.#at = start + length;
  }

  #begin(type: number): number {
    this.#byte(type);
    const start = this.#at;
    this.#int32(0);
    return start;
  }

  #end(start: number): void {
    this.#int32At(start, this.#at - start);
  }

  #byte(value: number): void {
    this.#reserve(1);
    scratch[this.#at++] = value;
  }

  #int16(value: number): void {
    this.#reserve(2);
    scratch[this.#at++] = value >>> 8;
    scratch[this.#at++] = value;
  }

  #int32(value: number): void {
    this.#reserve(4);
    this.#int32At(this.#at, value);
    this.#at += 4;
  }

  #int32At(at: number, value: number): void {
    scratch[at] = value >>> 24;
    scratch[at + 1] = value >>> 16;
    scratch[at + 2] = value >>> 8;
    scratch[at + 3] = value;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, this.#at + bytes));
    scratch.copy(larger, 0, 0, this.#at);
    scratch = larger;
  }
}
