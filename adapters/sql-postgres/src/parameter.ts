/** What Postgres receives for one parameter: text, raw bytes (a `bytea`), or NULL. */
export type EncodedParameter = string | Buffer | null;

/**
 * Encodes a JavaScript value as a Postgres parameter: arrays as array literals, plain objects as JSON, dates as ISO 8601.
 * Send an array meant for a json column as `JSON.stringify(array)`: an array value means a Postgres array.
 * Throws a TypeError for what has no single meaning in SQL (undefined, functions, instances of classes).
 */
export function encodeParameter(value: unknown): EncodedParameter {
  if (value === null) return null;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return asBuffer(value);
  if (Array.isArray(value)) return arrayLiteral(value);
  return encodeObject(value);
}

/** Of the type text, in every server. */
const TEXT_OID = 25;

/**
 * The texts as a parameter of type text[], in Postgres' binary format (`array_recv` in its source): written and read as they are, where a
 * literal escapes each and is read letter by letter. The statement must say `::text[]`, or take it as the parameter of a function.
 */
export function textArray(texts: readonly string[]): Buffer {
  const header = [1, 0, TEXT_OID, texts.length, 1];
  const size = texts.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), header.length * 4);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const word of header) at = bytes.writeInt32BE(word, at);
  for (const text of texts) {
    const length = bytes.write(text, at + 4);
    bytes.writeInt32BE(length, at);
    at += 4 + length;
  }
  return bytes;
}

function encodeObject(value: unknown): string {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError("an invalid Date cannot be a parameter; check it before");
    return value.toISOString();
  }
  if (typeof value === "object" && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return JSON.stringify(value);
    throw new TypeError(
      `an instance of ${value.constructor.name} cannot be a parameter; pass its text or a plain object`,
    );
  }
  throw new TypeError(`${typeof value} cannot be a parameter; pass null for an absent value`);
}

function arrayLiteral(values: readonly unknown[]): string {
  let literal = "{";
  for (let index = 0; index < values.length; index++) {
    if (index > 0) literal += ",";
    const value = values[index];
    if (value === null) literal += "NULL";
    else if (Array.isArray(value)) literal += arrayLiteral(value);
    else if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") literal += value;
    else literal += quoted(value instanceof Uint8Array ? `\\x${asBuffer(value).toString("hex")}` : text(value));
  }
  return `${literal}}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : encodeObject(value);
}

const toEscape = /["\\]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what JSON writes otherwise than as a backslash and the character
const otherInJson = /[\u0000-\u001f\ud800-\udfff]/;

/** JSON escapes a text as an array literal does, control characters and surrogates apart, in a quarter of the time: an event is full of quotes. */
function quoted(element: string): string {
  if (!toEscape.test(element)) return `"${element}"`;
  return otherInJson.test(element) ? `"${element.replace(/["\\]/g, "\\$&")}"` : JSON.stringify(element);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
