/** What no engine stores: NUL and half a surrogate pair, both of which `JSON.stringify` writes as escapes. */
const notStorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;
/** A number of 16 digits or with an exponent in JSON text, or null, which is what becomes of one without end. */
const maybeInexact = /\d{16}|\de\+/;

/**
 * What keeps a value that was parsed from being stored as it was sent, for a person; null where nothing does. `text` is the value as
 * `JSON.stringify` writes it.
 */
export function problemIn(value: unknown, text: string): string | null {
  if (text.includes("\\u") && notStorable.test(text))
    return "a text holds NUL, half a surrogate pair, or bytes that are no UTF-8";
  if (text.includes('"__proto__":')) return "the key __proto__ is not allowed";
  if ((maybeInexact.test(text) || text.includes("null")) && holdsInexact(value))
    return "a number beyond 9007199254740991 would not be kept exactly: send it as a text";
  return null;
}

function holdsInexact(value: unknown): boolean {
  if (typeof value === "number")
    return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  return typeof value === "object" && value !== null && Object.values(value).some(holdsInexact);
}
