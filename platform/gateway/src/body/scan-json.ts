import { pathAt } from "./json-path.ts";

/** What is wrong with a JSON text that `JSON.parse` would take, or take otherwise than it was meant. */
export interface JsonRefusal {
  /** Keys and indexes joined with dots; "" is the whole text. */
  readonly path: string;
  readonly reason: string;
}

/** An object with up to this many keys compares them by hash; a larger one keeps a set. */
const fewKeys = 16;

const [quote, backslash, comma, colon, minus, zero, nine] = [34, 92, 44, 58, 45, 48, 57];
const [openBrace, closeBrace, openBracket, closeBracket] = [123, 125, 91, 93];
const [letterE, lowerE, lowerF, lowerN, lowerT, lowerU, dot, plus, space] = [69, 101, 102, 110, 116, 117, 46, 43, 32];

/**
 * One pass over a JSON text, before it is parsed. Refuses what parsers read differently or lose in silence: a key given
 * twice, `__proto__` and `constructor.prototype`, a number that is not what was written once it is a double, nesting
 * beyond `depthMax`, text that no database stores (NUL, half a surrogate pair). It does not check the grammar: of a text
 * that is not JSON it may say anything, because `JSON.parse` refuses that anyway.
 *
 * It keeps no path. Where something is refused, `pathAt` finds it by a second, slower reading.
 *
 * Of a body of 100 bytes it takes 0.3 us. To write the parsed value again and compare, which would prove of most texts
 * that nothing was lost, takes 1.5 us.
 */
export class JsonScanner {
  private readonly depthMax: number;
  private text = "";
  private depth = 0;
  private refusal: JsonRefusal | undefined;
  private keyIsConstructor = false;
  /** Per open container: whether it is an object, whether it is the value of "constructor", how many keys are kept below. */
  private readonly isObject: Uint8Array;
  private readonly isConstructors: Uint8Array;
  private readonly count: Int32Array;
  /** Per open object, `fewKeys` keys: hash and place. Beyond those, and with escapes, a set of texts. */
  private readonly hashes: Int32Array;
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private readonly sets: (Set<string> | undefined)[];
  private hasSets = false;

  constructor(depthMax: number) {
    this.depthMax = depthMax;
    const levels = depthMax + 1;
    this.isObject = new Uint8Array(levels);
    this.isConstructors = new Uint8Array(levels);
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
    this.keyIsConstructor = false;
    this.refusal = undefined;
    this.walk(text);
    this.text = "";
    if (this.hasSets) this.sets.fill(undefined);
    this.hasSets = false;
    return this.refusal;
  }

  private walk(text: string): void {
    const { length } = text;
    let keyIsNext = false;
    let at = 0;
    while (at >= 0 && at < length) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        at = keyIsNext ? this.key(text, at + 1) : this.string(text, at + 1);
        keyIsNext = false;
      } else if (code <= space || code === colon) {
        at++;
      } else if (code === comma) {
        keyIsNext = this.isObject[this.depth] === 1;
        at++;
      } else if ((code >= zero && code <= nine) || code === minus) {
        at = this.number(text, at);
      } else if (code === openBrace || code === openBracket) {
        keyIsNext = code === openBrace;
        at = this.open(at, keyIsNext);
      } else if (code === closeBrace || code === closeBracket) {
        if (this.depth === 0) return;
        this.depth--;
        this.keyIsConstructor = false;
        keyIsNext = false;
        at++;
      } else if (code === lowerT || code === lowerN || code === lowerF) {
        at += code === lowerF ? 5 : 4;
      } else {
        at = this.refused(at, `what stands at character ${at} is not JSON`);
      }
    }
  }

  private open(at: number, isObject: boolean): number {
    if (this.depth === this.depthMax) return this.refused(at, `the nesting is deeper than ${this.depthMax} levels`);
    this.depth++;
    this.isObject[this.depth] = isObject ? 1 : 0;
    this.isConstructors[this.depth] = this.keyIsConstructor ? 1 : 0;
    this.keyIsConstructor = false;
    this.count[this.depth] = 0;
    if (this.hasSets) this.sets[this.depth] = undefined;
    return at + 1;
  }

  /** The place after the string that begins at `from`, or -1 where scanning ends. */
  private string(text: string, from: number): number {
    const { length } = text;
    for (let at = from; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) return at + 1;
      if (code !== backslash) continue;
      at++;
      if (text.charCodeAt(at) === lowerU) at = this.escape(text, at + 1);
      if (at < 0) return -1;
    }
    return -1;
  }

  /** The place of the last digit of the `\u` escape, or pair of them, whose digits begin at `at`; -1 where it is refused. */
  private escape(text: string, at: number): number {
    const unit = unitAt(text, at);
    if (unit === 0) return this.refused(at, "the text holds NUL (\\u0000)");
    if (!(unit >= 0xd800 && unit <= 0xdfff)) return at + 3;
    const low = text.startsWith("\\u", at + 4) ? unitAt(text, at + 6) : 0;
    if (unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) return at + 9;
    return this.refused(at, "the text holds half of a surrogate pair");
  }

  private key(text: string, from: number): number {
    const { length } = text;
    let hash = 0;
    let at = from;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      if (code === backslash) return this.escapedKey(text, from);
      hash = (Math.imul(hash, 31) + code) | 0;
    }
    // By their length: __proto__ and prototype, constructor. Everything else needs no look at its letters.
    if (at - from === 9 && this.poisons(text.slice(from, at), from)) return -1;
    this.keyIsConstructor = at - from === 11 && text.startsWith("constructor", from);
    if (this.hasSets && this.sets[this.depth] !== undefined) return this.keep(text.slice(from, at), from, at + 1);
    const { depth, hashes, starts, ends } = this;
    const first = depth * fewKeys;
    const last = first + (this.count[depth] as number);
    for (let entry = first; entry < last; entry++) {
      if (hashes[entry] !== hash || (ends[entry] as number) - (starts[entry] as number) !== at - from) continue;
      if (text.startsWith(text.slice(from, at), starts[entry])) return this.refused(from, "the key is given twice");
    }
    if (last - first === fewKeys) return this.keep(text.slice(from, at), from, at + 1);
    hashes[last] = hash;
    starts[last] = from;
    ends[last] = at;
    this.count[depth] = last - first + 1;
    return at + 1;
  }

  /** A key with escapes is compared as what it means: `"\u0061"` is `"a"`. */
  private escapedKey(text: string, from: number): number {
    const after = this.string(text, from);
    if (after < 0) return -1;
    const key = meaningOf(text.slice(from - 1, after));
    if (key === undefined || this.poisons(key, from)) return -1;
    this.keyIsConstructor = key === "constructor";
    return this.keep(key, from, after);
  }

  /** Remembers a key as text, and from here on all keys of its object. Answers `after`, or -1 where it was there before. */
  private keep(key: string, from: number, after: number): number {
    const { depth } = this;
    let set = this.sets[depth];
    if (set === undefined) {
      const first = depth * fewKeys;
      set = new Set();
      for (let entry = first; entry < first + (this.count[depth] as number); entry++) {
        set.add(this.text.slice(this.starts[entry], this.ends[entry]));
      }
      this.sets[depth] = set;
      this.hasSets = true;
    }
    if (set.has(key)) return this.refused(from, "the key is given twice");
    set.add(key);
    return after;
  }

  private poisons(key: string, from: number): boolean {
    const isPoison = key === "__proto__" || (key === "prototype" && this.isConstructors[this.depth] === 1);
    if (isPoison) this.refused(from, "the key is not allowed");
    return isPoison;
  }

  /** A number that the text says exactly but a double does not: refused, before money is rounded. */
  private number(text: string, from: number): number {
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
    const written = text.slice(from, Math.min(at, from + 40));
    return this.refused(from, `the number ${written} cannot be held exactly; send integers ${limits}`);
  }

  private refused(at: number, reason: string): -1 {
    this.refusal = { path: pathAt(this.text, at).join(".").slice(0, 200), reason };
    return -1;
  }
}

function unitAt(text: string, at: number): number {
  return Number.parseInt(text.slice(at, at + 4), 16);
}

function meaningOf(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
