/** What is wrong with a JSON text that `JSON.parse` would take, or take otherwise than it was meant. */
export interface JsonRefusal {
  /** Keys and indexes joined with dots; "" is the whole text. */
  readonly path: string;
  readonly reason: string;
}

/** An object with up to this many keys compares them by hash; a larger one keeps a Set. */
const fewKeys = 16;

const [quote, backslash, comma, colon, minus, zero, nine] = [34, 92, 44, 58, 45, 48, 57];
const [openBrace, closeBrace, openBracket, closeBracket] = [123, 125, 91, 93];
const [letterE, lowerE, lowerT, lowerF, lowerN, lowerU, dot, plus, space] = [69, 101, 116, 102, 110, 117, 46, 43, 32];

/**
 * One pass over a JSON text, before it is parsed. Refuses what parsers read differently or lose in silence: a key given
 * twice, `__proto__` and `constructor.prototype`, a number that is not what was written once it is a double, nesting
 * beyond `depthMax`, text that no database stores (NUL, half a surrogate pair). It does not check the grammar: of a text
 * that is not JSON it may say anything, because `JSON.parse` refuses that anyway.
 */
export class JsonScanner {
  private readonly depthMax: number;
  private text = "";
  private depth = 0;
  private refusal: JsonRefusal | undefined;
  /** Per open container: the index of the element (an array, from 0) or -1 (an object), and the last key's place. */
  private readonly element: Int32Array;
  private readonly keyStart: Int32Array;
  private readonly keyEnd: Int32Array;
  /** Per open object: its keys so far, as hash and place, `fewKeys` for each level; beyond those a set. */
  private readonly count: Int32Array;
  private readonly hashes: Int32Array;
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private readonly sets: (Set<string> | undefined)[];

  constructor(depthMax: number) {
    this.depthMax = depthMax;
    const levels = depthMax + 1;
    this.element = new Int32Array(levels);
    this.keyStart = new Int32Array(levels);
    this.keyEnd = new Int32Array(levels);
    this.count = new Int32Array(levels);
    this.hashes = new Int32Array(levels * fewKeys);
    this.starts = new Int32Array(levels * fewKeys);
    this.ends = new Int32Array(levels * fewKeys);
    this.sets = new Array(levels).fill(undefined);
  }

  /** The first thing to refuse, or undefined. */
  scan(text: string): JsonRefusal | undefined {
    this.text = text;
    this.depth = 0;
    this.refusal = undefined;
    this.walk();
    this.text = "";
    this.sets.fill(undefined);
    return this.refusal;
  }

  private walk(): void {
    const { text } = this;
    const { length } = text;
    let keyIsNext = false;
    let at = 0;
    while (at >= 0 && at < length) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        at = keyIsNext ? this.key(at + 1) : this.string(at + 1);
        keyIsNext = false;
      } else if (code === comma) {
        const element = this.element[this.depth] as number;
        if (element < 0) keyIsNext = true;
        else this.element[this.depth] = element + 1;
        at++;
      } else if (code <= space || code === colon) {
        at++;
      } else if (code === minus || (code >= zero && code <= nine)) {
        at = this.number(at);
      } else if (code === openBrace || code === openBracket) {
        keyIsNext = code === openBrace;
        if (!this.open(keyIsNext)) return;
        at++;
      } else if (code === closeBrace || code === closeBracket) {
        if (this.depth === 0) return;
        this.depth--;
        keyIsNext = false;
        at++;
      } else if (code === lowerT || code === lowerN) {
        at += 4;
      } else if (code === lowerF) {
        at += 5;
      } else {
        this.refuse(`what stands at character ${at} is not JSON`);
        return;
      }
    }
  }

  private open(isObject: boolean): boolean {
    if (this.depth >= this.depthMax) {
      this.refuse(`the nesting is deeper than ${this.depthMax} levels`);
      return false;
    }
    this.depth++;
    this.element[this.depth] = isObject ? -1 : 0;
    this.keyStart[this.depth] = -1;
    this.count[this.depth] = 0;
    this.sets[this.depth] = undefined;
    return true;
  }

  /** The place after the string that begins at `from`, or -1 where scanning ends. */
  private string(from: number): number {
    const { text } = this;
    const { length } = text;
    for (let at = from; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) return at + 1;
      if (code !== backslash) continue;
      at++;
      if (text.charCodeAt(at) === lowerU) at = this.escape(at + 1);
      if (at < 0) return -1;
    }
    return -1;
  }

  /** The place of the last digit of the `\u` escape, or pair of them, whose digits begin at `at`; -1 where it is refused. */
  private escape(at: number): number {
    const unit = this.unit(at);
    if (unit === 0) return this.ended("the text holds NUL (\\u0000)");
    if (unit < 0xd800 || unit > 0xdfff) return at + 3;
    const low = this.text.startsWith("\\u", at + 4) ? this.unit(at + 6) : 0;
    if (unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) return at + 9;
    return this.ended("the text holds half of a surrogate pair");
  }

  private unit(at: number): number {
    return Number.parseInt(this.text.slice(at, at + 4), 16);
  }

  private key(from: number): number {
    const { text, depth } = this;
    const { length } = text;
    let hash = 0;
    let at = from;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      if (code === backslash) return this.escapedKey(from);
      hash = (Math.imul(hash, 31) + code) | 0;
    }
    if (at === length) return -1;
    this.keyStart[depth] = from;
    this.keyEnd[depth] = at;
    // 9 letters: __proto__ and prototype. Everything else needs no look at its letters.
    if (at - from === 9 && this.poisons(text.slice(from, at))) return -1;
    const isNew =
      this.sets[depth] === undefined ? this.remember(hash, from, at) : this.rememberText(text.slice(from, at));
    return isNew ? at + 1 : -1;
  }

  private remember(hash: number, start: number, end: number): boolean {
    const { depth, text, hashes } = this;
    const count = this.count[depth] as number;
    const first = depth * fewKeys;
    for (let entry = first; entry < first + count; entry++) {
      if (hashes[entry] !== hash) continue;
      if (text.slice(this.starts[entry], this.ends[entry]) === text.slice(start, end))
        return this.refused("the key is given twice");
    }
    if (count === fewKeys) {
      this.keepSet();
      return this.rememberText(text.slice(start, end));
    }
    hashes[first + count] = hash;
    this.starts[first + count] = start;
    this.ends[first + count] = end;
    this.count[depth] = count + 1;
    return true;
  }

  /** From here on the keys of the open object are kept as text: there are many, or one is written with escapes. */
  private keepSet(): Set<string> {
    const { depth } = this;
    const set = new Set<string>();
    for (let entry = depth * fewKeys; entry < depth * fewKeys + (this.count[depth] as number); entry++) {
      set.add(this.text.slice(this.starts[entry], this.ends[entry]));
    }
    this.sets[depth] = set;
    return set;
  }

  private rememberText(key: string): boolean {
    const set = this.sets[this.depth] ?? this.keepSet();
    if (set.has(key)) return this.refused("the key is given twice");
    set.add(key);
    return true;
  }

  /** A key with escapes is compared as what it means: `"\u0061"` is `"a"`. */
  private escapedKey(from: number): number {
    this.keyStart[this.depth] = -1;
    const after = this.string(from);
    if (after < 0) return -1;
    this.keyStart[this.depth] = from;
    this.keyEnd[this.depth] = after - 1;
    const key = decoded(this.text.slice(from, after - 1));
    if (key === undefined || this.poisons(key) || !this.rememberText(key)) return -1;
    return after;
  }

  private poisons(key: string): boolean {
    if (key === "__proto__") return !this.refused("the key is not allowed");
    return (
      key === "prototype" && this.keyOf(this.depth - 1) === "constructor" && !this.refused("the key is not allowed")
    );
  }

  /** A number that the text says exactly but a double does not: refused, before money is rounded. */
  private number(from: number): number {
    const { text } = this;
    let at = from + 1;
    let isPlain = true;
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code >= zero && code <= nine) continue;
      if (code !== dot && code !== plus && code !== minus && code !== lowerE && code !== letterE) break;
      isPlain = false;
    }
    if (isPlain && at - from <= 15) return at;
    const value = Number(text.slice(from, at));
    if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return at;
    const limits = "between -9007199254740991 and 9007199254740991";
    return this.ended(
      `the number ${text.slice(from, Math.min(at, from + 40))} cannot be held exactly; send integers ${limits}`,
    );
  }

  private refuse(reason: string): void {
    this.refusal = { path: this.path(), reason };
  }

  private ended(reason: string): -1 {
    this.refuse(reason);
    return -1;
  }

  private refused(reason: string): false {
    this.refuse(reason);
    return false;
  }

  private path(): string {
    const parts: string[] = [];
    for (let level = 1; level <= this.depth; level++) {
      const element = this.element[level] as number;
      const part = element < 0 ? this.keyOf(level) : String(element);
      if (part !== undefined) parts.push(part);
    }
    return parts.join(".").slice(0, 200);
  }

  /** The last key read at a level; undefined in an array, before the first key, and where it is not JSON. */
  private keyOf(level: number): string | undefined {
    if (level < 1 || (this.element[level] as number) >= 0 || (this.keyStart[level] as number) < 0) return undefined;
    return decoded(this.text.slice(this.keyStart[level], this.keyEnd[level]));
  }
}

function decoded(inner: string): string | undefined {
  if (!inner.includes("\\")) return inner;
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch {
    return undefined;
  }
}
