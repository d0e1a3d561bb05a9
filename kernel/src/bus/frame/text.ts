/** Up to here the loop is quicker than Node's own writing, whose call alone costs 100 to 150 ns. */
const shortTextLength = 64;

/** Below it, the bytes that a text may need at most are a better answer than a count. */
const countedTextLength = 1_024;

/** How many bytes a text comes to at most; of a long one exactly. */
export function utf8BytesMax(text: string): number {
  return text.length < countedTextLength ? text.length * 3 : Buffer.byteLength(text);
}

/** Writes UTF-8 where there is room for it, three bytes for each unit of a short text. Answers where it ends. */
export function writeUtf8(bytes: Buffer, at: number, text: string): number {
  const { length } = text;
  if (length > shortTextLength) return at + bytes.write(text, at);
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return at + bytes.write(text, at);
    bytes[at + i] = unit;
  }
  return at + length;
}

/** The value of each hexadecimal digit, by its code; 0 for what is none. */
const digits = new Uint8Array(256);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  digits[digit.charCodeAt(0)] = value;
  digits[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Writes a byte for every two digits, as many as `count`. Answers where they end. */
export function writeHex(
  bytes: Buffer,
  at: number,
  { text, count }: { readonly text: string; readonly count: number },
): number {
  for (let i = 0; i < count; i++) {
    bytes[at + i] = (digits[text.charCodeAt(2 * i) & 0xff]! << 4) | digits[text.charCodeAt(2 * i + 1) & 0xff]!;
  }
  return at + count;
}
